# SPDX-License-Identifier: Apache-2.0
"""save: archives that others read, byte for byte what was loaded."""
import io
import json
import subprocess
import tarfile
import time

import pytest

import gateway as gateways
import harness
import image

pytestmark = pytest.mark.layer_drivers


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def files(path):
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isreg()}


@pytest.fixture
def saved(busybox, tmp_path):
    busybox.out("tag", "busybox", "other/name:2")
    busybox.out("save", "-o", tmp_path / "out.tar", "busybox", "other/name:2")
    return tmp_path / "out.tar"


def test_everything_is_under_its_digest(busybox, saved):
    found = files(saved)
    blobs = {name: data for name, data in found.items() if name.startswith("blobs/")}
    assert all(name == "blobs/sha256/" + image.sha256(data) for name, data in blobs.items())
    (entry,) = json.loads(found["manifest.json"])
    assert entry["RepoTags"] == ["busybox:latest", "other/name:2"]
    assert "sha256:" + image.sha256(found[entry["Config"]]) == inspect(busybox, "busybox")["Id"]
    assert found[entry["Layers"][0]] == image.busybox_layer()
    index = json.loads(found["index.json"])
    assert [m["annotations"]["org.opencontainers.image.ref.name"] for m in index["manifests"]] == ["latest", "2"]
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert busybox.cleat("save", "busybox", "other/name:2", text=False).stdout == saved.read_bytes()


def test_others_read_it(busybox, saved, tmp_path):
    wanted = inspect(busybox, "busybox")["Id"]
    for source in (f"docker-archive:{saved}:other/name:2", f"oci-archive:{saved}:latest"):
        out = subprocess.run(["skopeo", "inspect", "--raw", "--config", source], check=True, capture_output=True).stdout
        assert "sha256:" + image.sha256(out) == wanted, source
    subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", f"docker-archive:{saved}:busybox:latest",
                    f"dir:{tmp_path}/dir"], check=True, capture_output=True)


def test_loaded_elsewhere(busybox, saved):
    with harness.Engine() as other:
        assert sorted(other.out("load", "-i", saved).split("\n")) == ["Loaded image: busybox:latest", "Loaded image: other/name:2"]
        assert inspect(other, "busybox")["Id"] == inspect(busybox, "busybox")["Id"]
        assert other.out("run", "--rm", "other/name:2", "echo", "hi") == "hi"
        assert other.cleat("save", "busybox", "other/name:2", text=False).stdout == saved.read_bytes()


def test_a_zstd_image_keeps_its_bytes(busybox, tmp_path):
    """What came from elsewhere goes out with the same digests."""
    busybox.out("save", "-o", tmp_path / "plain.tar", "busybox")
    subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", "--dest-compress", "--dest-compress-format", "zstd",
                    f"docker-archive:{tmp_path}/plain.tar:busybox:latest", f"oci:{tmp_path}/layout:z"], check=True)
    with tarfile.open(tmp_path / "z.tar", "w") as tar:
        for entry in sorted((tmp_path / "layout").iterdir()):
            tar.add(entry, arcname=entry.name)
    with harness.Engine() as other:
        name = other.out("load", "-i", tmp_path / "z.tar").split(": ")[-1]
        other.out("save", "-o", tmp_path / "again.tar", name)
    before, after = files(tmp_path / "z.tar"), files(tmp_path / "again.tar")
    same = {n: d for n, d in after.items() if n.startswith("blobs/")}
    assert all(before.get(n) == d for n, d in same.items() if len(d) > 5000) and len(same) == 3


def test_many(busybox, tmp_path):
    """Images that share a layer have it once; a repository is all its tags; an id has no name."""
    base, top = image.busybox_layer(), image.Layer().add("top", b"x").bytes()
    for tag in ("r:1", "r:2"):
        layers = [base, top] if tag == "r:2" else [base]
        busybox.cleat("load", text=False, input=image.docker_archive([tag], layers, image.config(layers, Env=[f"T={tag}"])))
    busybox.out("save", "-o", tmp_path / "out.tar", "r", inspect(busybox, "busybox")["Id"])
    found = files(tmp_path / "out.tar")
    entries = json.loads(found["manifest.json"])
    assert [e["RepoTags"] for e in entries] == [["r:1"], ["r:2"], None]
    assert len({layer for e in entries for layer in e["Layers"]}) == 2
    with harness.Engine() as other:
        other.out("load", "-i", tmp_path / "out.tar")
        assert other.out("run", "--rm", "r:2", "cat", "/top") == "x" and len(other.out("images", "-aq").split()) == 3


def test_a_layer_outlives_the_image_it_came_with(engine, tmp_path):
    """Whoever shares a layer has it whole, also when the image that brought it is gone."""
    base, more = image.busybox_layer(), image.Layer().add("more", b"m").bytes()
    for name, layers in (("first:1", [base]), ("second:1", [base, more])):
        engine.cleat("load", text=False, input=image.docker_archive([name], layers))
    engine.out("rmi", "first:1")
    engine.out("save", "-o", tmp_path / "out.tar", "second:1")
    found = files(tmp_path / "out.tar")
    assert [found[name] for name in json.loads(found["manifest.json"])[0]["Layers"]] == [base, more]
    engine.out("rmi", "second:1")
    harness.wait_until(lambda: not list(engine.state.glob("blobs/sha256/*")), what="the end of the blobs")


def test_a_committed_image(busybox, tmp_path):
    busybox.out("run", "--name", "box", "busybox", "sh", "-c", "echo x > /new; rm /etc/group")
    busybox.out("commit", "box", "made")
    busybox.out("rmi", "-f", "busybox", check=False)
    busybox.out("save", "-o", tmp_path / "out.tar", "made")
    with harness.Engine() as other:
        other.out("load", "-i", tmp_path / "out.tar")
        assert other.out("run", "--rm", "made", "sh", "-c", "cat /new; [ -e /etc/group ] || echo gone") == "x\ngone"
        assert inspect(other, "made")["Id"] == inspect(busybox, "made")["Id"]


@pytest.mark.parametrize("arguments,sentence", [
    (["absent"], "No such image"), (["busybox", "absent:1"], "No such image"), (["UP"], "must be lowercase"),
    (["--platform", "linux/arm64", "busybox"], "does not match the specified platform: wanted linux/arm64, actual: linux/amd64"),
])
def test_wrong_input(busybox, tmp_path, arguments, sentence):
    done = busybox.cleat("save", "-o", tmp_path / "out.tar", *arguments, check=False)
    assert done.returncode == 1 and sentence in done.stderr, done.stderr
    assert not (tmp_path / "out.tar").exists()


def test_by_docker(busybox, tmp_path):
    g = gateways.Gateway(busybox)
    try:
        busybox.out("tag", "busybox", "second:1")
        done = g.docker("save", "-o", str(tmp_path / "out.tar"), "busybox", "second:1")
        assert done.returncode == 0, done
        assert json.loads(files(tmp_path / "out.tar")["manifest.json"])[0]["RepoTags"] == ["busybox:latest", "second:1"]
        told = g.docker("events", "--since", "1", "--until", f"{time.time():.9f}", "--filter", "event=save")
        assert told.stdout.count(" image save sha256:") == 1, told
        code, _, data = g.ask("GET", "/images/second:1/get")
        assert code == 200 and tarfile.open(fileobj=io.BytesIO(data)).getnames()
        done = g.docker("save", "-o", str(tmp_path / "not"), "--platform", "linux/arm64", "busybox")
        assert done.returncode == 1 and "does not match the specified platform: wanted linux/arm64, actual: linux/amd64" in done.stderr, done
        done = g.docker("load", "-i", str(tmp_path / "out.tar"), "--platform", "linux/arm64")
        assert done.returncode == 1 and "no image for linux/arm64" in done.stderr, done
        assert "invalid platform" in g.json("GET", "/images/busybox/get?platform=linux", status=400)["message"]
        assert "No such image" in g.json("GET", "/images/absent/get", status=404)["message"]
        assert g.docker("load", "-i", str(tmp_path / "out.tar")).stdout.count("Loaded image") == 2
    finally:
        g.close()
