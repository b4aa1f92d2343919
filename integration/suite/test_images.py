# SPDX-License-Identifier: Apache-2.0
"""load, images, tag, rmi, inspect, history, prune with real images; what may go wrong with archives is in
test_archives.py."""
import contextlib
import gzip
import json
import os
import pty
import shutil
import subprocess
import tarfile

import harness
import image
import layerview
import pytest

pytestmark = pytest.mark.layer_drivers


def load(engine, data, check=True):
    return engine.cleat("load", text=False, input=data, check=check)


def tagged(engine, tag, created="2024-01-02T03:04:05Z", layers=None, **settings):
    """Loads busybox (or the layers) with another creation time."""
    layers = layers or [image.busybox_layer()]
    conf = json.loads(image.config(layers, **settings))
    conf["created"] = created
    load(engine, image.docker_archive([tag] if tag else [], layers, json.dumps(conf).encode()))


def names(engine, *filters):
    arguments = [a for f in filters for a in ("-f", f)]
    return engine.out("images", "--format", "{{.Repository}}:{{.Tag}}", *arguments).split()


# ---- loading what others made

@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "busybox.tar"
    path.write_bytes(image.docker_archive(["real:1"]))
    return path


def skopeo(source, target, *options):
    subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", *options, source, target], check=True,
                   capture_output=True)


def layout_as_tar(tmp_path, layout):
    out = tmp_path / "layout.tar"
    with tarfile.open(out, "w") as tar:
        for entry in sorted(layout.iterdir()):
            tar.add(entry, arcname=entry.name)
    return out


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive", "oci-zstd", "oci-plain", "gzipped"])
def test_archives_of_skopeo(engine, archive, tmp_path, kind):
    out = tmp_path / "out.tar"
    source = f"docker-archive:{archive}"
    if kind == "docker-archive":
        skopeo(source, f"docker-archive:{out}:real:1")
    elif kind == "oci-archive":
        skopeo(source, f"oci-archive:{out}:real:1")
    elif kind == "oci-zstd":
        skopeo(source, f"oci:{tmp_path}/layout:real:1", "--dest-compress", "--dest-compress-format", "zstd")
        out = layout_as_tar(tmp_path, tmp_path / "layout")
    elif kind == "oci-plain":
        skopeo(source, f"oci:{tmp_path}/layout:real:1", "--dest-decompress")
        out = layout_as_tar(tmp_path, tmp_path / "layout")
    else:
        out.write_bytes(gzip.compress(archive.read_bytes(), 1))
    assert "Loaded image: real:1" in engine.out("load", "-i", out)
    assert engine.out("run", "--rm", "real:1", "echo", "ok") == "ok"
    # the same again: known layers are hashed alone, and nothing doubles
    assert "Loaded image: real:1" in engine.out("load", "-i", out)
    assert len(list((engine.state / "layers").iterdir())) == 1


def test_changes_made_with_umoci(engine, archive, tmp_path):
    """umoci turns what was done to a root filesystem into a layer with whiteouts and attributes."""
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    skopeo(f"docker-archive:{archive}", f"oci:{layout}:base")
    umoci = ["umoci"]
    subprocess.run([*umoci, "unpack", "--image", f"{layout}:base", bundle], check=True, capture_output=True)
    root = bundle / "rootfs"
    (root / "etc/group").unlink()
    shutil.rmtree(root / "home")
    (root / "home").mkdir()
    (root / "home/new").write_text("new")
    os.setxattr(root / "home/new", "user.note", b"kept")
    os.link(root / "home/new", root / "home/twin")
    os.chown(root / "home/new", 12, 34)
    subprocess.run([*umoci, "repack", "--image", f"{layout}:changed", bundle], check=True, capture_output=True)
    skopeo(f"oci:{layout}:changed", f"oci-archive:{tmp_path}/out.tar:changed:1")
    engine.out("load", "-i", tmp_path / "out.tar")
    script = "ls /home; [ -e /etc/group ] || echo gone; stat -c '%u %g %h' /home/new; [ -e /etc/passwd ] && echo kept"
    assert engine.out("run", "--rm", "changed:1", "sh", "-c", script).split("\n") == [
        "new", "twin", "gone", "12 34 2", "kept"]
    with contextlib.ExitStack() as stack:
        roots = layerview.all_opened(engine, stack)
        values = [os.getxattr(root / "home/new", "user.note") for root in roots if (root / "home/new").exists()]
    assert values == [b"kept"]


def test_archive_of_new_docker(engine):
    """Since Docker 25 a saved image is an OCI layout with a manifest.json beside."""
    layer = image.busybox_layer()
    conf = image.config([layer])
    blob = "blobs/sha256/" + image.sha256(layer)
    config_blob = "blobs/sha256/" + image.sha256(conf)
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:" + image.sha256(conf)}, "layers": [
        {"digest": "sha256:" + image.sha256(layer)}]}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": "sha256:" + image.sha256(manifest)}]}).encode()
    saved = json.dumps([{"Config": config_blob, "RepoTags": ["new:1"], "Layers": [blob]}]).encode()
    files = [(config_blob, conf), (blob, layer), ("blobs/sha256/" + image.sha256(manifest), manifest),
             ("index.json", index), ("manifest.json", saved), ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')]
    load(engine, image._tar(files))  # pylint: disable=protected-access
    assert engine.out("run", "--rm", "new:1", "echo", "ok") == "ok"


def test_index_of_several_platforms(engine):
    """An index in the index: of its platforms the host's is taken, attestations are not."""
    layer = image.busybox_layer()
    conf = image.config([layer])
    files = [("oci-layout", b"{}")]

    def blob(data):
        files.append(("blobs/sha256/" + image.sha256(data), data))
        return {"digest": "sha256:" + image.sha256(data), "size": len(data)}

    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    host = blob(json.dumps({"config": blob(conf), "layers": [blob(layer)]}).encode())
    inner = blob(json.dumps({"manifests": [
        {**host, "platform": {"os": "linux", "architecture": machine}},
        {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": "s390x"}},
        {"digest": "sha256:" + "2" * 64, "platform": {"os": "unknown", "architecture": "unknown"}}]}).encode())
    files.append(("index.json", json.dumps({"manifests": [
        {**inner, "annotations": {"io.containerd.image.name": "docker.io/library/many:1"}}]}).encode()))
    assert load(engine, image._tar(files)).stdout == b"Loaded image: many:1\n"  # pylint: disable=protected-access


def test_load_platform(engine):
    data = image.docker_archive(["p:1"])
    done = engine.cleat("load", "--platform", "linux/s390x", text=False, input=data, check=False)
    assert done.returncode == 1 and b"s390x" in done.stderr
    assert engine.out("images", "-q") == ""
    engine.cleat("load", "--platform", "linux/amd64", text=False, input=data)
    assert names(engine) == ["p:1"]


def test_progress_on_a_terminal(engine, archive):
    """stderr is a terminal: a line that is drawn over; stdout is the same as ever."""
    outer, inner = pty.openpty()
    process = engine.popen("load", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=inner)
    os.close(inner)
    data = archive.read_bytes()
    process.stdin.write(data[:len(data) // 2])
    process.stdin.flush()
    # the other half is sent once progress was shown; the engine tells it with what it receives
    shown = b""
    sent = len(data) // 2
    while b"Loading" not in shown and sent < len(data):
        os.set_blocking(outer, False)
        try:
            shown += os.read(outer, 4096)
        except BlockingIOError:
            process.stdin.write(data[sent:sent + 1000])
            process.stdin.flush()
            sent += 1000
            harness.time.sleep(0.05)
    process.stdin.write(data[sent:])
    process.stdin.close()
    assert process.stdout.read() == b"Loaded image: real:1\n"
    assert process.wait(60) == 0
    os.close(outer)
    assert b"Loading" in shown


def test_same_layer_loaded_at_once(engine):
    data = image.docker_archive(["t:1"])
    loads = [engine.popen("load", "-q", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(4)]
    for process in loads:
        process.stdin.write(data[:len(data) // 2])
        process.stdin.flush()
    for process in loads:
        process.stdin.write(data[len(data) // 2:])
        process.stdin.close()
    assert [p.wait(120) for p in loads] == [0, 0, 0, 0]
    assert names(engine) == ["t:1"]
    assert len(list((engine.state / "layers").iterdir())) == 1
    # an engine that has just started looks for what others have left, with a directory of its own
    harness.wait_until(lambda: not list((engine.state / "tmp").iterdir()), what="the end of all work")


# ---- looking

def test_list_is_sorted_and_filtered(engine):
    tagged(engine, "old:1", "2020-01-01T00:00:00Z", Labels={"kind": "old", "x": "1"})
    tagged(engine, "team/new:2", "2023-01-01T00:00:00Z", Labels={"kind": "new", "x": "1"})
    tagged(engine, None, "2022-01-01T00:00:00Z")
    engine.out("tag", "old:1", "reg.example:5000/old:3")
    assert names(engine) == ["team/new:2", "<none>:<none>", "old:1", "reg.example:5000/old:3"]
    assert names(engine, "dangling=true") == ["<none>:<none>"]
    assert names(engine, "dangling=false") == ["team/new:2", "old:1", "reg.example:5000/old:3"]
    assert names(engine, "label=kind=new") == ["team/new:2"]
    assert names(engine, "label=x", "label=kind=old", "reference=old") == ["old:1"]
    assert names(engine, "reference=*/new:*") == ["team/new:2"]
    assert names(engine, "reference=old", "reference=team/new") == ["team/new:2", "old:1"]
    assert names(engine, "before=team/new:2", "dangling=false") == ["old:1", "reg.example:5000/old:3"]
    assert names(engine, "since=old:1") == ["team/new:2", "<none>:<none>"]
    assert names(engine, "until=2021-01-01") == ["old:1", "reg.example:5000/old:3"]
    assert engine.out("images", "-q", "team/new").split() == engine.out("images", "-q", "team/new:2").split()
    for bad in ("colour=blue", "dangling=perhaps", "until=whenever"):
        done = engine.cleat("images", "-f", bad, check=False)
        assert done.returncode == 1 and "invalid filter" in done.stderr
    done = engine.cleat("images", "-f", "before=nobody", check=False)
    assert done.returncode == 1 and "No such image: nobody" in done.stderr


def test_inspect(engine):
    settings = {"Env": ["A=B"], "User": "web", "Labels": {"k": "v"}, "WorkingDir": "/tmp", "Entrypoint": ["env"],
                "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}, "StopSignal": "SIGINT"}
    load(engine, image.docker_archive(["i:1"], **settings))
    details = json.loads(engine.out("image", "inspect", "i:1"))[0]
    for key, value in settings.items():
        assert details["Config"][key] == value, key
    assert details["RepoTags"] == ["i:1"]
    assert (details["Os"], details["Architecture"]) == ("linux", "amd64")
    assert details["Created"].startswith("2024-01-02T03:04:05")
    assert details["RootFS"]["Layers"] == ["sha256:" + image.sha256(image.busybox_layer())]
    assert details["GraphDriver"]["Name"] == harness.LAYER_DRIVER
    assert details["Size"] > os.path.getsize(image.BUSYBOX)
    short = engine.out("images", "-q")
    assert engine.out("inspect", "--format", "{{.Id}}", short) == details["Id"]
    assert engine.out("inspect", "--format", "{{.Id}}", details["Id"][:12].removeprefix("sha256:")) == details["Id"]


def test_history(engine):
    layers = [image.busybox_layer(), image.Layer().add("more", b"m" * 5000).bytes()]
    conf = json.loads(image.config(layers))
    conf["history"] = [{"created_by": "base", "comment": "first"}, {"created_by": "ENV A=B", "empty_layer": True},
                       {"created_by": "x" * 60}]
    load(engine, image.docker_archive(["h:1"], layers, json.dumps(conf).encode()))
    rows = [json.loads(r) for r in engine.out("history", "--format", "json", "h:1").splitlines()]
    assert [r["CreatedBy"] for r in rows] == ["x" * 44 + "\u2026", "ENV A=B", "base"]
    assert [r["Size"] for r in rows][:2] == ["5kB", "0B"]
    assert [r["ID"] for r in rows][1:] == ["<missing>", "<missing>"]
    assert rows[2]["Comment"] == "first"
    whole = engine.out("image", "history", "--no-trunc", "--human=false", "--format", "{{.CreatedBy}} {{.Size}}", "h:1")
    assert whole.splitlines()[0] == "x" * 60 + " 5000"
    assert engine.out("history", "-q", "h:1").splitlines()[0] == engine.out("images", "-q")


# ---- naming and removing

def test_tag_and_rmi(engine):
    out = load(engine, image.docker_archive(["a/b:1", "c:latest"])).stdout.decode()
    assert "Loaded image: a/b:1" in out and "Loaded image: c:latest" in out
    engine.out("tag", "c", "d:2")
    assert sorted(names(engine)) == ["a/b:1", "c:latest", "d:2"]
    assert engine.out("rmi", "d:2") == "Untagged: d:2"
    identity = engine.out("images", "-q", "--no-trunc").split()[0]
    done = engine.cleat("rmi", identity[7:19], check=False)
    assert done.returncode == 1
    assert (f"conflict: unable to delete {identity[7:19]} (must be forced) - image is referenced in multiple "
            "repositories") in done.stderr
    assert engine.out("rmi", "a/b:1") == "Untagged: a/b:1"
    assert engine.out("rmi", "c").splitlines() == ["Untagged: c:latest", f"Deleted: {identity}"]
    assert engine.out("images", "-q") == ""
    assert not any((engine.state / "layers").iterdir())


@pytest.mark.parametrize("name", ["UPPER", "a//b", "x:" + "t" * 129, "a@sha256:" + "0" * 64, "0" * 64])
def test_names_that_cannot_be(busybox, name):
    done = busybox.cleat("tag", "busybox", name, check=False)
    assert done.returncode == 1 and done.stderr.startswith("cleat: ")
    assert "invalid reference" in done.stderr or "digest reference" in done.stderr
    assert names(busybox) == ["busybox:latest"]


def test_rmi_force_takes_all_names(busybox):
    busybox.out("tag", "busybox", "other:1")
    identity = busybox.out("images", "-q").split()[0]
    lines = busybox.out("rmi", "-f", identity).splitlines()
    assert lines[:2] == ["Untagged: busybox:latest", "Untagged: other:1"] and lines[2].startswith("Deleted: sha256:")


def test_rmi_of_an_image_in_use(busybox):
    container = busybox.out("create", "busybox", "sleep", "1000")
    identity = busybox.out("images", "-q", "--no-trunc")
    done = busybox.cleat("rmi", "busybox", check=False)
    assert done.returncode == 1
    assert (f'conflict: unable to remove repository reference "busybox:latest" (must force) - container '
            f"{container[:12]} is using its referenced image {identity[7:19]}") in done.stderr
    done = busybox.cleat("rmi", identity, check=False)
    assert (f"conflict: unable to delete {identity[7:19]} (must be forced) - image is being used by stopped "
            f"container {container[:12]}") in done.stderr
    busybox.out("start", container)
    done = busybox.cleat("rmi", "-f", identity, check=False)
    assert (f"conflict: unable to delete {identity[7:19]} (cannot be forced) - image is being used by running "
            f"container {container[:12]}") in done.stderr
    assert names(busybox) == ["busybox:latest"]
    # by name and force the name goes, and the image stays for its container
    assert busybox.out("rmi", "-f", "busybox") == "Untagged: busybox:latest"
    assert busybox.out("exec", container, "echo", "lives") == "lives"
    busybox.out("rm", "-f", container)
    assert "Deleted: " + identity in busybox.out("rmi", identity)


def test_shared_layers_stay(engine):
    base, top = image.busybox_layer(), image.Layer().add("top", b"t").bytes()
    load(engine, image.docker_archive(["base:1"], [base]))
    load(engine, image.docker_archive(["both:1"], [base, top]))
    assert len(list((engine.state / "layers").iterdir())) == 2
    engine.out("rmi", "base:1")
    assert len(list((engine.state / "layers").iterdir())) == 2
    assert engine.out("run", "--rm", "both:1", "cat", "/top") == "t"
    engine.out("rmi", "both:1")
    assert not any((engine.state / "layers").iterdir())


def test_prune(busybox):
    tagged(busybox, "unused:1", layers=[image.busybox_layer(), image.Layer().add("u", b"u" * 2000).bytes()])
    tagged(busybox, None, layers=[image.busybox_layer(), image.Layer().add("d", b"d" * 3000).bytes()],
           Labels={"keep": "1"})
    busybox.out("create", "busybox")
    assert busybox.out("image", "prune", "-f", "--filter", "label!=keep") == "Total reclaimed space: 0B"
    assert busybox.cleat("image", "prune", input="n\n").stdout.startswith("WARNING!")
    assert len(names(busybox)) == 3
    assert "Total reclaimed space: 3kB" in busybox.out("image", "prune", "-f")
    assert sorted(names(busybox)) == ["busybox:latest", "unused:1"]
    out = busybox.out("image", "prune", "-af")
    assert "untagged: unused:1" in out and "Total reclaimed space: 2kB" in out
    assert names(busybox) == ["busybox:latest"]


def test_same_content_twice_is_one_image(engine):
    data = image.docker_archive(["t:1"])
    load(engine, data)
    load(engine, data)
    assert len(engine.out("images", "-q").split()) == 1


def test_events(busybox):
    busybox.out("tag", "busybox", "again:1")
    busybox.out("rmi", "again:1", "busybox")
    out = busybox.out("events", "--since", "1h", "--until", "0s", "-f", "type=image", "--format", "{{.Action}}")
    assert out.split() == ["load", "tag", "untag", "untag", "delete"]


def test_layers_with_nothing_in_them(engine):
    """Docker's own empty layer is a tar without an entry."""
    layers = [bytes(1024), image.busybox_layer(), image.Layer().dir("./").bytes(), image.Layer().add("x", b"").bytes()]
    load(engine, image.docker_archive(["empty:1"], layers))
    assert engine.out("run", "--rm", "empty:1", "sh", "-c", "ls /x; wc -c < /x; ls -d /bin").split() == ["/x", "0", "/bin"]


def test_a_layer_that_comes_twice(engine):
    """Two steps of a build may leave the same layer; the later one counts, whatever came between."""
    again = image.Layer().add("a", b"again").add(".wh.b").dir("d").add("d/own", b"").bytes()
    between = image.Layer().add("a", b"between").add("b", b"").add("d/.wh.own").add("d/other", b"").bytes()
    load(engine, image.docker_archive(["twice:1"], [image.busybox_layer(), again, between, again]))
    assert engine.out("run", "--name", "one", "twice:1", "sh", "-c", "cat /a; echo; ls -d /b /d/* 2>&1; rm /a").split("\n") == [
        "again", "ls: /b: No such file or directory", "/d/other", "/d/own"]
    assert "D /a" in engine.out("diff", "one")
    assert engine.out("image", "inspect", "-f", "{{len .RootFS.Layers}}", "twice:1") == "4"


OTHER = "image was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64"


@pytest.mark.parametrize("command", [["history"], ["image", "inspect"], ["save", "-o", "/dev/null"], ["create", "--pull", "never"],
                                     ["run", "--pull", "never"]])
def test_platform_must_be_the_images(busybox, command):
    for platform in ("linux/amd64", "linux", "amd64", "linux/x86_64"):
        busybox.out(*command, "--platform", platform, "busybox")
    for wanted, told in (("linux/arm64", OTHER), ("aarch64", OTHER), ("linux/amd64/v9", None),
                         ("linux//v7", "expected os[/architecture[/variant]]"), ("foo", "unknown operating system"), ("windows", "wanted windows, actual")):
        done = busybox.cleat(*command, "--platform", wanted, "busybox", check=False)
        if told:
            assert done.returncode in (1, 125) and told in done.stderr, done
        else:
            assert done.returncode == 0  # the image does not tell its variant


def test_platform_with_a_variant(engine):
    layers = [image.busybox_layer()]
    config = json.loads(image.config(layers))
    config |= {"architecture": "arm", "variant": "v7"}
    load(engine, image.docker_archive(["arm:1"], layers, json.dumps(config).encode()))
    engine.out("image", "inspect", "--platform", "linux/arm/v7", "arm:1")
    done = engine.cleat("image", "inspect", "--platform", "linux/arm/v6", "arm:1", check=False)
    assert done.returncode == 1 and "wanted linux/arm/v6, actual: linux/arm/v7" in done.stderr
