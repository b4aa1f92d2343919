# SPDX-License-Identifier: Apache-2.0
"""Volumes: their life, what containers see of them, what fills them, what takes them away."""
import contextlib
import json
import os
import pathlib
import random
import sqlite3
import stat
import subprocess
import tarfile
import threading
import time

import pytest

import harness
import image

pytestmark = pytest.mark.xdist_group("volumes")


def inspect(engine, *names):
    return json.loads(engine.out("volume", "inspect", *names))


def mounts(engine, container):
    return {m["Destination"]: m for m in json.loads(engine.out("inspect", container))[0]["Mounts"]}


def names(engine, *arguments):
    return engine.out("volume", "ls", "-q", *arguments).split()


def path_of(engine, name):
    return pathlib.Path(inspect(engine, name)[0]["Mountpoint"])


def load(engine, tag, layer, **settings):
    engine.cleat("load", text=False, input=image.docker_archive([tag], [image.busybox_layer(), layer.bytes()],
                                                                **settings))


def data_layer():
    """Files with all that a copy could lose."""
    layer = image.Layer()
    layer.dir("data", mode=0o1770, uid=5, gid=6, mtime=1600000000)
    layer.add("data/file", b"content\n", mode=0o640, uid=7, gid=8, mtime=1600000001,
              pax={"SCHILY.xattr.user.note": "kept"})
    layer.add("data/again", kind=tarfile.LNKTYPE, link="data/file")
    layer.symlink("data/link", "/etc/passwd")
    layer.add("data/suid", b"x", mode=0o4755)
    layer.dir("data/deep/er", mode=0o700)
    layer.add("data/deep/er/fifo", kind=tarfile.FIFOTYPE, mode=0o600)
    return layer


def test_create_inspect_list_remove(engine):
    assert engine.out("volume", "create", "--label", "a=b", "--label", "c", "one") == "one"
    assert engine.out("volume", "create", "one") == "one"  # is there already
    anonymous = engine.out("volume", "create")
    assert len(anonymous) == 64
    one = inspect(engine, "one")[0]
    assert one["Labels"] == {"a": "b", "c": ""} and one["Driver"] == "local" and one["Scope"] == "local"
    assert one["Options"] is None and one["Mountpoint"] == f"{engine.state}/volumes/one/_data"
    assert os.path.isdir(one["Mountpoint"])
    assert engine.out("volume", "ls").splitlines()[0].split() == ["DRIVER", "VOLUME", "NAME"]
    assert names(engine) == sorted([anonymous, "one"])
    assert engine.out("volume", "ls", "--format", "{{.Name}} {{.Labels}}", "-f", "name=one") == "one a=b,c="
    assert json.loads(engine.out("inspect", "--type", "volume", "one"))[0]["Name"] == "one"
    assert json.loads(engine.out("inspect", "one"))[0]["Name"] == "one"
    assert engine.out("volume", "rm", "one", anonymous).split() == ["one", anonymous]
    assert names(engine) == []
    for arguments in (("volume", "rm", "one"), ("volume", "inspect", "one")):
        done = engine.cleat(*arguments, check=False)
        assert done.returncode == 1 and "no such volume" in done.stderr
    assert engine.out("volume", "rm", "-f", "one") == "one"
    engine.expect_nothing_left()


@pytest.mark.parametrize("arguments, words", [
    (["x"], "too short"),
    (["../escape"], "includes invalid characters"),
    (["--driver", "nfs", "vol"], 'plugin "nfs" not found'),
    (["-o", "kind=x", "vol"], 'invalid option: "kind"'),
    (["-o", "type=tmpfs", "vol"], "missing required option"),
    (["-o", "=x", "vol"], "expected key=value"),
])
def test_bad_volumes(engine, arguments, words):
    done = engine.cleat("volume", "create", *arguments, check=False)
    assert done.returncode == 1 and words in done.stderr
    assert names(engine) == []


def test_filters_and_prune(busybox):
    busybox.out("volume", "create", "--label", "k=v", "labelled")
    busybox.out("volume", "create", "used")
    unnamed = busybox.out("volume", "create")
    busybox.out("create", "--name", "cc", "-v", "used:/u", "busybox")
    assert names(busybox, "-f", "dangling=true") == sorted(["labelled", unnamed])
    assert names(busybox, "-f", "dangling=false") == ["used"]
    assert names(busybox, "-f", "label=k=v") == ["labelled"]
    assert names(busybox, "-f", "driver=other") == []
    done = busybox.cleat("volume", "ls", "-f", "colour=red", check=False)
    assert done.returncode and "invalid filter 'colour'" in done.stderr
    pathlib.Path(path_of(busybox, unnamed), "f").write_bytes(b"x" * 1000)
    assert busybox.out("volume", "prune", "-f").splitlines() == [
        "Deleted Volumes:", unnamed, "", "Total reclaimed space: 1kB"]
    assert names(busybox) == ["labelled", "used"]
    busybox.out("volume", "prune", "-af", "--filter", "label!=k")
    assert names(busybox) == ["labelled", "used"]
    busybox.out("volume", "prune", "-f", "--filter", "all=1")
    assert names(busybox) == ["used"]


def test_data_outlives_containers(busybox):
    busybox.out("run", "--rm", "-v", "data:/x", "busybox", "sh", "-c", "echo hello >/x/f")
    assert busybox.out("run", "--rm", "-v", "data:/y:ro", "busybox", "cat", "/y/f") == "hello"
    done = busybox.cleat("run", "--rm", "--mount", "source=data,target=/y,readonly", "busybox", "touch", "/y/g",
                         check=False)
    assert done.returncode == 1 and "Read-only" in done.stderr
    busybox.out("create", "--name", "cc", "-v", "data:/x", "busybox")
    assert mounts(busybox, "cc")["/x"] == {
        "Type": "volume", "Name": "data", "Source": f"{busybox.state}/volumes/data/_data", "Destination": "/x",
        "Driver": "local", "Mode": "", "RW": True, "Propagation": ""}
    assert busybox.out("ps", "-aq", "--filter", "volume=data") == busybox.out("ps", "-aq")
    assert busybox.out("ps", "-aq", "--filter", "volume=/x") == busybox.out("ps", "-aq")
    assert busybox.out("ps", "-aq", "--filter", "volume=other") == ""
    assert busybox.out("ps", "-a", "--format", "{{.Mounts}} {{.LocalVolumes}}") == "data 1"
    done = busybox.cleat("volume", "rm", "data", check=False)
    assert done.returncode == 1 and "volume is in use - [" in done.stderr
    busybox.out("rm", "-v", "cc")
    assert names(busybox) == ["data"]  # it was named: it stays


def test_anonymous_volumes_go_with_their_container(engine):
    load(engine, "vol", image.Layer().dir("data"), Volumes={"/data": {}})
    engine.out("run", "--rm", "-v", "/more", "vol", "touch", "/data/a", "/more/b")
    assert names(engine) == []
    engine.out("create", "--name", "kept", "vol")
    kept = mounts(engine, "kept")["/data"]["Name"]
    engine.out("create", "--name", "gone", "vol")
    assert len(names(engine)) == 2
    engine.out("rm", "kept")
    engine.out("rm", "-v", "gone")
    assert names(engine) == [kept]
    engine.out("create", "--name", "first", "vol")
    engine.out("create", "--name", "second", "--volumes-from", "first", "vol")
    engine.out("rm", "-v", "first")
    assert len(names(engine)) == 2  # second has it
    engine.out("rm", "-v", "second")
    assert names(engine) == [kept]
    engine.expect_nothing_left()


def test_a_create_that_fails_leaves_no_volume(busybox):
    for arguments in (["-v", "/x", "-v", "new:/y", "-v", "/z:/y"], ["-v", "/x", "--mount", "type=bind,src=/nowhere,dst=/y"],
                      ["-v", "/x", "--name", "taken"]):
        if "taken" in arguments:
            busybox.out("create", "--name", "taken", "busybox")
        done = busybox.cleat("create", *arguments, "busybox", check=False)
        assert done.returncode, arguments
    assert names(busybox) == []
    busybox.out("create", "-v", "/x", "-v", "new:/x", "busybox")  # nobody needs the first
    assert names(busybox) == ["new"]


def test_volumes_from(busybox, tmp_path):
    tmp_path.joinpath("f").write_text("bound")
    busybox.out("create", "--name", "aa", "-v", "data:/d", "-v", f"{tmp_path}:/b", "-v", "/anon", "busybox")
    busybox.out("run", "--rm", "--volumes-from", "aa", "busybox", "sh", "-c", "echo x >/d/f && echo y >/anon/g")
    assert busybox.out("run", "--rm", "--volumes-from", "aa:ro", "busybox", "cat", "/d/f", "/b/f", "/anon/g") \
        == "x\nboundy"
    done = busybox.cleat("run", "--rm", "--volumes-from", "aa:ro", "busybox", "touch", "/d/h", check=False)
    assert done.returncode == 1 and "Read-only" in done.stderr
    assert busybox.out("run", "--rm", "--volumes-from", "aa", "-v", "other:/d", "busybox", "ls", "/d") == ""
    done = busybox.cleat("run", "--rm", "--volumes-from", "nobody", "busybox", "true", check=False)
    assert done.returncode == 125 and "No such container: nobody" in done.stderr
    done = busybox.cleat("run", "--rm", "--volumes-from", "aa:what", "busybox", "true", check=False)
    assert done.returncode == 125 and "invalid volumes-from" in done.stderr


@pytest.mark.layer_drivers
def test_an_empty_volume_is_filled_from_the_image(engine):
    load(engine, "data", data_layer())
    engine.out("create", "--name", "cc", "-v", "vv:/data", "data")
    top = path_of(engine, "vv")
    st = top.stat()
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode), st.st_mtime) == (5, 6, 0o1770, 1600000000)
    st = (top / "file").stat()
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode), st.st_mtime) == (7, 8, 0o640, 1600000001)
    assert os.getxattr(top / "file", "user.note") == b"kept"
    assert (top / "again").stat().st_ino == st.st_ino
    assert os.readlink(top / "link") == "/etc/passwd"
    assert stat.S_IMODE((top / "suid").stat().st_mode) == 0o4755
    assert stat.S_ISFIFO((top / "deep/er/fifo").stat().st_mode)
    assert sorted(p.name for p in top.parent.iterdir()) == ["_data", "lock"]
    # what is there is left alone, and what is asked to stay empty
    (top / "file").write_text("mine")
    assert engine.out("run", "--rm", "-v", "vv:/data", "data", "cat", "/data/file") == "mine"
    assert engine.out("run", "--rm", "-v", "ww:/data:nocopy", "data", "ls", "/data") == ""
    assert engine.out("run", "--rm", "--mount", "source=uu,target=/data,volume-nocopy", "data", "ls", "/data") == ""
    assert engine.out("run", "--rm", "-v", "tt:/nowhere/at/all", "data", "ls", "/nowhere/at/all") == ""


def test_an_image_leads_nowhere_outside(engine):
    """A link where the volume belongs, and devices in what fills it."""
    layer = image.Layer().symlink("data", "/etc").symlink("out", "../../../../../../..")
    layer.dir("nodes").add("nodes/disk", kind=tarfile.BLKTYPE, major=7, minor=0, mode=0o666)
    load(engine, "hostile", layer, Volumes={"/data": {}, "/nodes": {}})
    assert "passwd" in engine.out("run", "--rm", "-v", "vv:/data", "hostile", "ls", "/data")
    assert {"group", "passwd"} < set(os.listdir(path_of(engine, "vv")))
    assert engine.out("run", "--rm", "-v", "ww:/out/inside", "hostile", "ls", "/inside") == ""
    done = engine.cleat("run", "--rm", "-v", "nn:/nodes", "hostile", "dd", "if=/nodes/disk", "count=1", check=False)
    assert done.returncode == 1 and "not permitted" in done.stderr
    # whatever lies there is for root alone to reach
    assert stat.S_IMODE((engine.state / "volumes").stat().st_mode) == 0o700
    done = engine.cleat("run", "--rm", "-v", "vv:/bin/busybox", "hostile", "true", check=False)
    assert done.returncode != 0


def test_subpath(busybox):
    busybox.out("run", "--rm", "-v", "vv:/v", "busybox", "sh", "-c",
                "mkdir -p /v/a/b && echo deep >/v/a/b/f && ln -s ../../../../../../.. /v/out && ln -s /a /v/abs")
    sub = "source=vv,target=/s,volume-subpath="
    assert busybox.out("run", "--rm", "--mount", sub + "a/b", "busybox", "cat", "/s/f") == "deep"
    assert busybox.out("run", "--rm", "--mount", sub + "a/b/f", "busybox", "cat", "/s") == "deep"
    assert busybox.out("run", "--rm", "--mount", sub + "abs", "busybox", "ls", "/s") == "b"
    assert busybox.out("run", "--rm", "--mount", sub + "out", "busybox", "ls", "/s").split() == ["a", "abs", "out"]
    done = busybox.cleat("run", "--rm", "--mount", sub + "none", "busybox", "true", check=False)
    assert done.returncode == 127 or "No such file" in done.stderr
    for bad in ("../x", "/abs", "a/../../x"):
        done = busybox.cleat("run", "--rm", "--mount", sub + bad, "busybox", "true", check=False)
        assert done.returncode == 125 and "invalid volume subpath" in done.stderr


def test_options_of_the_local_driver(busybox, tmp_path):
    tmp_path.joinpath("f").write_text("bound")
    busybox.out("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={tmp_path}", "bb")
    assert busybox.out("run", "--rm", "-v", "bb:/b", "busybox", "cat", "/b/f") == "bound"
    busybox.out("volume", "create", "-o", "type=none", "-o", "o=bind,ro", "-o", f"device={tmp_path}", "rr")
    done = busybox.cleat("run", "--rm", "-v", "rr:/b", "busybox", "touch", "/b/g", check=False)
    assert done.returncode == 1 and "Read-only" in done.stderr
    busybox.out("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=2m,uid=7", "tt")
    assert inspect(busybox, "tt")[0]["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=2m,uid=7"}
    line = busybox.out("run", "--rm", "-v", "tt:/t", "busybox", "grep", " /t ", "/proc/mounts")
    assert line.startswith("tmpfs /t tmpfs rw") and "size=2048k" in line and "uid=7" in line
    assert busybox.out("run", "--rm", "--mount", 'type=volume,dst=/t,volume-opt=type=tmpfs,volume-opt=device=tmpfs,'
                       '"volume-opt=o=size=1m,mode=700"', "busybox", "stat", "-c", "%a", "/t") == "700"
    done = busybox.cleat("volume", "create", "-o", "type=ext4", "-o", "device=/dev/x", "tt", check=False)
    assert done.returncode == 1 and "other options" in done.stderr
    busybox.expect_nothing_left()


def test_binds(busybox, tmp_path):
    made = tmp_path / "made" / "deep"
    busybox.out("run", "--rm", "-v", f"{made}:/m", "busybox", "touch", "/m/f")
    assert (made / "f").exists()
    done = busybox.cleat("create", "--mount", f"type=bind,src={tmp_path}/none,dst=/m", "busybox", check=False)
    assert done.returncode == 1 and "bind source path does not exist" in done.stderr
    assert busybox.out("run", "--rm", "-v", "./made:/m", "busybox", "ls", "/m", cwd=tmp_path) == "deep"
    for bad in ("name:rel", "/a:/", "/a:/b:nocopy", "vv:/b:rslave", "a b:/x"):
        done = busybox.cleat("create", "-v", bad, "busybox", check=False)
        assert done.returncode in (1, 125) and done.stderr, bad
    done = busybox.cleat("create", "-v", "/a:/x", "-v", "/b:/x/", "busybox", check=False)
    assert "Duplicate mount point: /x" in done.stderr


def test_tmpfs_and_read_only_root(busybox):
    assert busybox.out("run", "--rm", "--read-only", "--tmpfs", "/t:size=1m", "-v", "/w", "busybox", "sh", "-c",
                       "touch /t/a /w/b; touch /c 2>/dev/null || echo no") == "no"
    line = busybox.out("run", "--rm", "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700", "busybox",
                       "grep", " /t ", "/proc/mounts")
    assert "size=1024k" in line and "mode=700" in line
    for bad, words in (("type=tmpfs,dst=/t,src=/x", "Source must not be"),
                       ("type=bind,src=/,dst=/t,volume-nocopy", "cannot mix"),
                       ("type=volume,dst=/t,readonly=maybe", "invalid value for readonly")):
        done = busybox.cleat("create", "--mount", bad, "busybox", check=False)
        assert done.returncode and words in done.stderr, bad


def test_cp_and_build_see_volumes_as_they_should(busybox, tmp_path):
    busybox.out("run", "--name", "cc", "-v", "vv:/v", "busybox", "sh", "-c", "echo x >/v/f")
    assert busybox.out("cp", "cc:/v/f", str(tmp_path)) == ""
    assert (tmp_path / "f").read_text() == "x\n"
    bound = tmp_path / "bound"
    bound.mkdir()
    busybox.out("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={bound}", "bb")
    busybox.out("create", "--name", "bound", "-v", "bb:/b", "busybox")
    busybox.out("cp", str(tmp_path / "f"), "bound:/b/g")
    assert (bound / "g").read_text() == "x\n"
    busybox.out("create", "--name", "sub", "--mount", "source=vv,target=/deep/s,volume-subpath=abs", "busybox")
    busybox.out("run", "--rm", "-v", "vv:/v", "busybox", "sh", "-c", "mkdir /v/inside && ln -s /inside /v/abs")
    busybox.out("cp", str(tmp_path / "f"), "sub:/deep/s/h")
    assert busybox.out("run", "--rm", "-v", "vv:/v", "busybox", "ls", "/v/inside") == "h"
    busybox.out("rm", "bound", "sub")
    busybox.out("volume", "rm", "bb")
    tmp_path.joinpath("Dockerfile").write_text("FROM busybox\nVOLUME /data\nRUN mkdir -p /data && echo b >/data/f\n")
    busybox.out("build", "-q", "-t", "built", str(tmp_path))
    assert busybox.out("run", "--rm", "built", "cat", "/data/f") == "b"
    assert names(busybox) == ["vv"]


def test_events(busybox):
    busybox.out("run", "--name", "cc", "-v", "vv:/v:ro", "busybox", "true")
    busybox.out("rm", "cc")
    busybox.out("volume", "rm", "vv")
    id_ = None
    seen = []
    for line in busybox.out("events", "--since", "0", "--until", "0s", "--format", "{{json .}}").splitlines():
        event = json.loads(line)
        if event["Type"] == "container":
            id_ = event["Actor"]["ID"]
        if event["Type"] in ("container", "volume"):
            seen.append((event["Type"], event["Action"]))
        if event["Type"] == "volume":
            assert event["Actor"]["ID"] == "vv" and event["Actor"]["Attributes"]["driver"] == "local"
        if event["Action"] == "mount":
            attributes = event["Actor"]["Attributes"]
            assert attributes["destination"] == "/v" and attributes["read/write"] == "false"
    wanted = [("volume", "create"), ("container", "create"), ("volume", "mount"), ("container", "start"),
              ("container", "die"), ("volume", "unmount"), ("container", "destroy"), ("volume", "destroy")]
    assert [s for s in seen if s in wanted] == wanted and id_


def test_disk_usage(busybox):
    busybox.out("create", "-v", "used:/u", "busybox")
    busybox.out("volume", "create", "idle")
    path_of(busybox, "used").joinpath("f").write_bytes(b"x" * 3000)
    path_of(busybox, "idle").joinpath("f").write_bytes(b"x" * 1000)
    rows = [line.split() for line in busybox.out("system", "df").splitlines()]
    assert [r for r in rows if r[:2] == ["Local", "Volumes"]] == [["Local", "Volumes", "2", "1", "4kB", "1kB", "(25%)"]]
    assert ["used", "1", "3kB"] in [line.split() for line in busybox.out("system", "df", "-v").splitlines()]


def test_restart_without_the_engine_keeps_volumes(busybox):
    busybox.out("run", "-d", "--name", "cc", "--restart", "always", "-v", "vv:/v", "busybox", "sh", "-c",
                "echo x >>/v/f; until [ -e /v/end ]; do :; done; rm /v/end")
    top = path_of(busybox, "vv")
    harness.wait_until(lambda: (top / "f").exists(), what="start")
    busybox.kill()
    (top / "end").touch()
    harness.wait_until(lambda: (top / "f").read_text() == "x\nx\n", what="restart")
    busybox.start()
    assert mounts(busybox, "cc")["/v"]["Name"] == "vv"


def test_a_bound_directory_is_filled_too(engine, tmp_path):
    load(engine, "data", data_layer())
    link = tmp_path.with_name("link")  # as mount(2) does, they are followed
    link.symlink_to(tmp_path)
    bound = ["-o", "type=none", "-o", f"device={link}"]
    engine.out("volume", "create", *bound, "-o", "o=bind,ro", "ro")
    engine.out("create", "-v", "ro:/data", "data")
    assert os.listdir(tmp_path) == []
    (tmp_path / ".cleat-fill" / "data").mkdir(parents=True)  # of an engine that was killed
    (tmp_path / ".cleat-fill" / "data" / "half").touch()
    engine.out("volume", "create", *bound, "-o", "o=bind", "bb")
    assert engine.out("run", "--rm", "-v", "bb:/data", "data", "cat", "/data/file") == "content"
    assert sorted(os.listdir(tmp_path)) == ["again", "deep", "file", "link", "suid"]
    assert tmp_path.stat().st_uid == 5
    engine.out("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/nowhere/at/all", "none")
    done = engine.cleat("create", "-v", "none:/data", "data", check=False)
    assert done.returncode == 1 and "volume none, /nowhere/at/all: No such file" in done.stderr


def big_layer(n=400, size=200_000):
    layer = image.Layer().dir("data", mode=0o750)
    for i in range(n):
        layer.add(f"data/f{i:04}", bytes([i % 251]) * size, uid=i)
    return layer


def complete(top, n=400, size=200_000):
    files = sorted(os.listdir(top))
    return files == [f"f{i:04}" for i in range(n)] and all(
        (top / f).stat().st_size == size and (top / f).stat().st_uid == i for i, f in enumerate(files))


def test_two_containers_fill_one_volume_at_once(engine):
    load(engine, "big", big_layer())
    both = [engine.popen("run", "--rm", "-v", "vv:/data", "big", "sh", "-c", "ls /data | wc -l",
                         stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [p.communicate()[0].strip() for p in both] == ["400"] * 4
    assert complete(path_of(engine, "vv"))


def test_what_runs_meanwhile_keeps_what_it_wrote(engine):
    load(engine, "big", big_layer(n=5, size=10))
    engine.out("run", "-d", "--name", "writer", "-v", "vv:/data:nocopy", "big", "sleep", "1000")
    engine.out("create", "-v", "vv:/data", "big")
    assert engine.out("exec", "writer", "ls", "/data").split() == [f"f{i:04}" for i in range(5)]
    engine.out("exec", "writer", "sh", "-c", "rm /data/*; echo mine >/data/f0000")
    engine.out("create", "-v", "vv:/data", "big")
    assert engine.out("exec", "writer", "cat", "/data/f0000") == "mine"


@pytest.mark.parametrize("step", range(6))
def test_a_volume_half_filled_is_filled_again(engine, step):
    """The engine is killed while the volume is being filled: at its first file, in the middle, as it moves there."""
    load(engine, "big", big_layer())
    create = engine.popen("create", "-v", "vv:/data", "-v", "/anonymous", "big", stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    folder = engine.state / "volumes" / "vv"
    filling = folder / "_fill" / "data"

    def half_full():
        with contextlib.suppress(FileNotFoundError):  # it moves when it is full
            return len(os.listdir(filling)) > 200

    points = [folder.exists, (folder / "lock").exists, (folder / "_fill").exists, filling.exists, half_full,
              (folder / "_full").exists]
    while not points[step]() and create.poll() is None:
        pass
    engine.kill()
    create.kill()
    create.wait()
    engine.start()
    made = engine.out("ps", "-aq")  # the kill may come after the end
    if made:
        engine.out("rm", "-v", made)
    harness.wait_until(lambda: [n for n in names(engine) if n != "vv"] == [], what="end of the anonymous one")
    assert engine.out("run", "--rm", "-v", "vv:/data", "big", "sh", "-c", "ls /data | wc -l") == "400"
    assert complete(path_of(engine, "vv"))
    assert sorted(os.listdir(folder)) == ["_data", "lock"]
    engine.expect_nothing_left()


def test_kill_in_the_middle_of_creating_and_removing(engine):
    """Whatever the engine was at, each volume is there as a whole or not at all, and nothing else is."""
    folder = engine.state / "volumes"
    stop = threading.Event()

    def work(number):
        while not stop.is_set():
            engine.cleat("volume", "create", f"vol{number}", check=False)
            engine.cleat("volume", "rm", f"vol{number}", check=False)
    workers = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for w in workers:
        w.start()
    for _ in range(12):
        time.sleep(random.uniform(0.02, 0.15))
        engine.kill()
        engine.start()
    stop.set()
    for w in workers:
        w.join()
    engine.kill()
    (folder / "lost" / "_data").mkdir(parents=True)  # of a create that was killed before its row
    (folder / ".gone-x" / "_data").mkdir(parents=True)
    engine.start()
    wanted = {*names(engine), ".lock", ".boot"}
    harness.wait_until(lambda: set(os.listdir(folder)) == wanted, what="end of what has no row")
    for name in names(engine):
        assert os.path.isdir(folder / name / "_data")


def test_a_row_lost_with_the_machine_loses_no_file(busybox):
    """What a power cut may take of the store: its last commits."""
    busybox.out("run", "--rm", "-v", "data:/d", "busybox", "touch", "/d/precious")
    busybox.out("volume", "create", "empty")
    busybox.kill()
    with contextlib.closing(sqlite3.connect(busybox.state / "cleat.db")) as db:
        db.execute("DELETE FROM volumes")
        db.commit()
    (busybox.state / "volumes" / ".boot").write_text("another")
    busybox.start()
    assert names(busybox) == ["data"] and "is back name=data" in busybox.log()
    assert busybox.out("run", "--rm", "-v", "data:/d", "busybox", "ls", "/d") == "precious"
    harness.wait_until(lambda: set(os.listdir(busybox.state / "volumes")) == {"data", ".lock", ".boot"},
                       what="end of the one that was empty")


def test_a_volume_made_again_is_empty(busybox):
    busybox.out("run", "--rm", "-v", "vv:/v", "busybox", "sh", "-c", "for i in $(seq 2000); do echo >/v/$i; done")
    busybox.out("volume", "rm", "vv")
    assert busybox.out("run", "--rm", "-v", "vv:/v", "busybox", "ls", "/v") == ""
    busybox.expect_nothing_left()
