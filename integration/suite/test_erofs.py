# SPDX-License-Identifier: Apache-2.0
"""The layer driver `erofs`: what is damaged is repaired or refused, mounts are shared and in nobody's table, starts
need no engine."""
import hashlib
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import tarfile

import harness
import image
import layerview
import pytest

DRIVER = {"layer-driver": "erofs"}


@pytest.fixture(scope="module", autouse=True)
def driver_works():
    if harness.layer_driver_of_choice() != "erofs":
        pytest.skip("the layer driver erofs does not work here")


@pytest.fixture
def erofs():
    with harness.Engine(config=DRIVER) as engine:
        engine.load_busybox()
        yield engine


def layer_of(engine):
    (layer,) = (engine.state / "layers").iterdir()
    return layer


def restart(engine):
    """An engine that has mounted nothing yet."""
    engine.kill(signal.SIGTERM)
    engine.start()


def run(engine, *arguments, check=True):
    return engine.cleat("run", "--rm", "busybox", *arguments, check=check)


def test_a_layer_is_two_files(erofs):
    layer = layer_of(erofs)
    assert sorted(p.name for p in layer.iterdir()) == ["index", "size", "tar"]
    tar = (layer / "tar").read_bytes()
    assert tar == image.busybox_layer() and hashlib.sha256(tar).hexdigest() == layer.name
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in layer.iterdir())
    assert json.loads(erofs.out("image", "inspect", "busybox"))[0]["GraphDriver"]["Name"] == "erofs"


@pytest.mark.parametrize("damage", ["byte", "cut", "gone", "record"])
def test_a_wrong_index_is_made_again(erofs, damage):
    index = layer_of(erofs) / "index"
    good = index.read_bytes()
    if damage == "byte":
        index.write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    elif damage == "cut":
        index.write_bytes(good[:4096])
    elif damage == "gone":
        index.unlink()
    else:
        size = index.with_name("size")
        size.write_text(re.sub("index .*", "index " + "0" * 64, size.read_text()))
    restart(erofs)
    assert run(erofs, "cat", "/etc/passwd").stdout.startswith("root:")
    assert index.read_bytes() == good
    assert hashlib.sha256(good).hexdigest() in index.with_name("size").read_text()
    erofs.expect_no_work()


@pytest.mark.parametrize("damage,sentence", [("cut", "its tar has"), ("gone", "No such file"), ("long", "its tar has")])
def test_a_wrong_tar_is_an_error(erofs, damage, sentence):
    tar = layer_of(erofs) / "tar"
    if damage == "gone":
        tar.unlink()
    else:
        os.truncate(tar, tar.stat().st_size + (-512 if damage == "cut" else 512))
    restart(erofs)
    done = run(erofs, "true", check=False)
    assert done.returncode == 125 and sentence in done.stderr and layer_of(erofs).name[:12] in done.stderr
    assert done.stderr.count("\n") == 1 and not erofs.out("ps", "-aq")
    # the image can be removed, and loaded again
    erofs.out("rmi", "busybox")
    erofs.load_busybox()
    run(erofs, "true")


def test_neither_can_be_trusted(erofs):
    """The index is wrong, and the tar it would be made from has another byte."""
    layer = layer_of(erofs)
    data = bytearray((layer / "tar").read_bytes())
    data[100_000] ^= 1
    (layer / "tar").write_bytes(data)
    (layer / "index").unlink()
    restart(erofs)
    done = run(erofs, "true", check=False)
    assert done.returncode == 125 and "digest" in done.stderr and "damaged" in done.stderr
    assert not (layer / "index").exists()
    erofs.expect_no_work()


def layer_mounts(pid):
    """Numbers of the mounts whose root, and nothing of which, a process holds: layers that are in no table."""
    tables = {line.split()[0] for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()}
    # the runtime's mount is of a file
    return {harness.mount_of(fd) for fd in harness.opened(pid)
            if os.readlink(f"/proc/self/fd/{fd}") == "/" and stat.S_ISDIR(os.fstat(fd).st_mode)} - tables


def in_the_table_of(pid):
    """Layers that are mounted where everybody sees them, but by tests beside this one: layerview.opened()."""
    return [line for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
            if " - erofs " in line and layerview.PREFIX not in line.split()[4]]


def test_one_mount_for_all_and_none_in_the_table(erofs):
    before = in_the_table_of("self")
    for name in ("aa", "bb"):
        erofs.out("run", "-d", "--name", name, "busybox", "sleep", "1000")
    a, b = (layer_mounts(pid) for pid in erofs.shims())
    assert a == b and len(a) == 1
    assert in_the_table_of("self") == before
    assert in_the_table_of(erofs.engine_pids()[0]) == before
    # nothing of it is in the container
    for name in ("aa", "bb"):
        pid = json.loads(erofs.out("inspect", name))[0]["State"]["Pid"]
        assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]


def test_a_new_engine_takes_the_mounts_over(erofs):
    erofs.out("run", "-d", "--name", "aa", "busybox", "sleep", "1000")
    (first,) = erofs.shims()
    erofs.kill()
    erofs.start()
    harness.wait_until(lambda: layer_mounts(erofs.engine_pids()[0]) == layer_mounts(first), what="the mount")
    erofs.out("run", "-d", "--name", "bb", "busybox", "sleep", "1000")
    (second,) = set(erofs.shims()) - {first}
    assert layer_mounts(second) == layer_mounts(first)


def test_starts_without_an_engine(erofs):
    erofs.out("run", "-d", "--name", "rr", "--restart", "always", "busybox", "sh", "-c", "echo start; sleep 0.2")
    erofs.wait_for_log("rr", "start")
    erofs.kill()
    log = erofs.state / "containers" / os.listdir(erofs.state / "containers")[0] / "log"
    count = lambda: sum(p.read_bytes().count(b"start") for p in log.iterdir())  # noqa: E731
    first = count()
    harness.wait_until(lambda: count() >= first + 2, what="two more starts")
    erofs.start()
    erofs.out("rm", "-f", "rr")


def test_a_new_shim_is_given_the_layers(erofs):
    """The engine is another, the shim is killed: its successor can start the container with no engine about."""
    erofs.out("run", "-d", "--name", "rr", "--restart", "always", "busybox", "sh", "-c", "echo start; sleep 1000")
    erofs.wait_for_log("rr", "start")
    erofs.kill()
    erofs.start()
    pid = json.loads(erofs.out("inspect", "rr"))[0]["State"]["Pid"]
    (shim,) = erofs.shims()
    os.kill(shim, signal.SIGKILL)
    harness.wait_until(lambda: erofs.shims() not in ([], [shim]), what="a successor")
    harness.wait_until(lambda: layer_mounts(erofs.shims()[0]), what="its layers")
    erofs.kill()
    os.kill(pid, signal.SIGKILL)
    log = erofs.state / "containers" / os.listdir(erofs.state / "containers")[0] / "log"
    harness.wait_until(lambda: sum(p.read_bytes().count(b"start") for p in log.iterdir()) == 2, what="a second start")
    erofs.start()
    erofs.out("rm", "-f", "rr")


def test_a_damaged_layer_does_not_take_a_running_container_down(erofs):
    erofs.out("run", "-d", "--name", "rr", "busybox", "sleep", "1000")
    os.rename(layer_of(erofs) / "tar", erofs.root / "tar")
    restart(erofs)
    (shim,) = erofs.shims()
    os.kill(shim, signal.SIGKILL)
    harness.wait_until(lambda: erofs.shims() not in ([], [shim]), what="a successor")
    assert erofs.out("exec", "rr", "echo", "alive") == "alive"
    erofs.out("stop", "-t", "0", "rr")
    done = erofs.cleat("start", "rr", check=False)
    assert done.returncode == 1 and "layers" in done.stderr
    erofs.out("rm", "rr")


def test_layers_of_both_drivers(tmp_path):
    def start(driver):
        engine.configure({"layer-driver": driver})
        engine.start()

    engine = harness.Engine(tmp_path, config={"layer-driver": "dir"})
    with engine:
        engine.load_busybox()
        base = layer_of(engine)
        engine.kill(signal.SIGTERM)
        start("erofs")
        top = image.Layer().add("new", b"n").dir("home").add("home/.wh..wh..opq").add("etc/.wh.group").bytes()
        engine.cleat("load", text=False, input=image.docker_archive(["mixed:1"], [image.busybox_layer(), top]))
        script = "cat /new; ls /home; [ -e /etc/group ] || echo gone; [ -e /bin/sh ] && echo base"
        assert engine.out("run", "--rm", "mixed:1", "sh", "-c", script) == "ngone\nbase"
        assert (base / "fs").is_dir() and (base.parent / image.sha256(top) / "tar").is_file()
        engine.out("run", "-d", "--name", "mm", "--restart", "always", "mixed:1", "sh", "-c", "cat /new; sleep 0.2")
        engine.kill(signal.SIGTERM)
        start("dir")
        assert engine.out("run", "--rm", "mixed:1", "sh", "-c", script) == "ngone\nbase"
        engine.wait_for_log("mm", "nnn")
        engine.out("rm", "-f", "mm")
        engine.out("rmi", "mixed:1", "busybox")
        harness.wait_until(lambda: not os.listdir(engine.state / "layers"), what="no layers")


def test_more_layers_than_one_message_carries(erofs):
    layers = [image.busybox_layer()] + [image.Layer().add(f"l/{i}", str(i).encode()).bytes() for i in range(120)]
    erofs.cleat("load", text=False, input=image.docker_archive(["many:1"], layers))
    assert erofs.out("run", "--rm", "many:1", "sh", "-c", "cat /l/0 /l/60 /l/119; ls /l | wc -l") == "060119120"


def test_big_directories_and_odd_names(erofs):
    layer = image.Layer()
    names = [f"{i:05}" * (1 + i % 20) for i in range(5000)] + ["!x", "-y", "...", "\x01", "z" * 255, "\u00e9" * 127]
    for name in names:
        layer.add(f"d/{name}", name.encode())
    for i in range(300):
        layer.symlink(f"links/{i}", "t" * (i * 13 + 1))
    layer.add("attribute", b"a", pax={"SCHILY.xattr.user.long": "v" * 3000, "SCHILY.xattr.user.short": "s"})
    layer.add("links/hard", b"h").add("links/hard2", kind=tarfile.LNKTYPE, link="links/hard")
    erofs.cleat("load", text=False, input=image.docker_archive(["odd:1"], [image.busybox_layer(), layer.bytes()]))
    with layerview.opened(erofs, image.sha256(layer.bytes())) as root:
        assert sorted(os.listdir(root / "d")) == sorted(names)
        assert all((root / "d" / name).read_bytes() == name.encode() for name in names)
        assert all(os.readlink(root / f"links/{i}") == "t" * (i * 13 + 1) for i in range(300))
        assert (root / "links/hard").stat().st_nlink == 2
        assert os.getxattr(root / "attribute", "user.long") == b"v" * 3000
        assert os.getxattr(root / "attribute", "user.short") == b"s" and (root / "attribute").read_bytes() == b"a"
    assert erofs.out("run", "--rm", "odd:1", "sh", "-c", "ls -A /d | wc -l") == str(len(names))


@pytest.fixture
def unfit(request, tmp_path):
    """A file system that cannot hold such layers."""
    where = tmp_path / "unfit"
    for name in ("lower", "upper", "work", "unfit"):
        (tmp_path / name).mkdir()
    options = {"tmpfs": "size=64m", "overlay": "lowerdir=lower,upperdir=upper,workdir=work"}[request.param]
    subprocess.run(["mount", "-t", request.param, "-o", options, "cleat-test", where], cwd=tmp_path, check=True)
    yield where
    subprocess.run(["umount", "-l", where], check=True)


@pytest.mark.parametrize("unfit", ["tmpfs"], indirect=True)
def test_the_other_driver_is_taken_where_it_must(unfit):
    with harness.Engine(unfit, config={"layer-driver": ""}) as engine:
        assert "driver=erofs unusable" in engine.log() and "layer driver=dir" in engine.log()
        engine.load_busybox()
        run(engine, "true")


@pytest.mark.parametrize("unfit,reason", [("tmpfs", "Block device required"), ("overlay", "is on an overlay")],
                         indirect=["unfit"])
def test_asked_for_by_name_it_must_work(unfit, reason, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(DRIVER))
    done = subprocess.run([harness.BIN / "cleatd", "--state", unfit / "s", "--run", tmp_path / "r", "--config", config],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and 'layer-driver "erofs" does not work here' in done.stderr and reason in done.stderr
