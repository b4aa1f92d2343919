# SPDX-License-Identifier: Apache-2.0
"""Images mounted in containers: what is seen of them, that they stay while they are needed, and what goes wrong."""
import json
import os
import signal
import tarfile
import threading

import pytest

import harness
import image

pytestmark = [pytest.mark.layer_drivers, pytest.mark.xdist_group("image_mounts")]


@pytest.fixture
def mapping(mappable, layer_driver):  # pylint: disable=unused-argument
    """An engine whose containers can have user namespaces."""
    with harness.Engine(mappable / "e") as e:
        yield e


def load(engine, tag, *layers, **settings):
    engine.cleat("load", text=False, input=image.docker_archive([tag], [layer.bytes() for layer in layers], **settings))


def data_image(engine, tag="data"):
    """Two layers: the upper one hides a file of the lower one, and changes another."""
    lower, upper = image.Layer(), image.Layer()
    lower.add("gone", b"x")
    lower.add("changed", b"old\n")
    lower.dir("dir", mode=0o751, uid=5, gid=6)
    lower.add("dir/file", b"content\n", mode=0o644, uid=7, gid=8)
    lower.symlink("out", "/etc/hostname")
    upper.add(".wh.gone", b"")
    upper.add("changed", b"new\n")
    load(engine, tag, lower, upper)


def run(engine, *arguments, **kw):
    return engine.cleat("run", "--rm", "--network", "none", *arguments, **kw)


def test_files_of_all_layers_read_only(engine):
    engine.load_busybox()
    data_image(engine)
    for read_only in ("", ",readonly", ",readonly=false"):
        out = run(engine, "--mount", f"type=image,source=data,target=/mnt{read_only}", "busybox", "sh", "-c",
                  "ls /mnt; cat /mnt/changed /mnt/dir/file; stat -c %a:%u:%g /mnt/dir /mnt/dir/file;"
                  "touch /mnt/new 2>&1; grep ' /mnt ' /proc/self/mounts | cut -d ' ' -f 4 | cut -d , -f 1").stdout
        assert out.splitlines() == ["changed", "dir", "out", "new", "content", "751:5:6", "644:7:8",
                                    "touch: /mnt/new: Read-only file system", "ro"]


def test_several_and_the_container_s_own(engine):
    """The same layers as the root's, more than once, with one of a single layer and one of none."""
    engine.load_busybox()
    data_image(engine)
    one = image.Layer()
    one.add("single", b"1\n")
    load(engine, "one", one)
    load(engine, "empty")
    mounts = [("busybox", "/a"), ("data", "/b"), ("data", "/b/dir"), ("one", "/d"), ("empty", "/e"), ("busybox", "/f")]
    out = run(engine, *(word for source, target in mounts
                        for word in ("--mount", f"type=image,source={source},target={target}")), "busybox", "sh", "-c",
              "ls /a/bin/busybox /b/dir/dir /d; ls -A /e; /f/bin/busybox echo from f; cat /b/dir/changed")
    assert out.stdout.split() == ["/a/bin/busybox", "/b/dir/dir:", "file", "/d:", "single", "from", "f", "new"]


@pytest.mark.parametrize("subpath, command, expected", [
    ("dir", "cat /mnt/file", "content\n"), ("dir/file", "cat /mnt", "content\n"), ("./dir/.", "ls /mnt", "file\n")])
def test_subpath(mapping, subpath, command, expected):
    engine = mapping
    engine.load_busybox()
    data_image(engine)
    mount = f"type=image,source=data,target=/mnt,image-subpath={subpath}"
    assert run(engine, "--mount", mount, "busybox", "sh", "-c", command).stdout == expected
    assert run(engine, "--userns", "auto", "--mount", mount, "busybox", "sh", "-c", command).stdout == expected


def test_an_image_without_layers_is_for_nobody_to_write(engine):
    """Not even for one that may mount: the next that mounts it finds nothing there."""
    engine.load_busybox()
    load(engine, "empty")
    empty = ("--mount", "type=image,source=empty,target=/e")
    tried = run(engine, "--cap-add", "sys_admin", *empty, "busybox", "sh", "-c",
                "mount -o remount,rw /e; mount -o remount,bind,rw /e; echo >/e/new", check=False)
    assert tried.returncode != 0 and "Read-only file system" in tried.stderr
    assert run(engine, *empty, "busybox", "ls", "-A", "/e").stdout == ""


@pytest.mark.parametrize("subpath, words", [("nothing", "nothing"), ("out", "out"), ("../x", "invalid image subpath"),
                                            ("/dir", "invalid image subpath")])
def test_subpath_that_is_not_there(engine, subpath, words):
    """A link of the image leads nowhere outside it."""
    engine.load_busybox()
    data_image(engine)
    done = run(engine, "--mount", f"type=image,source=data,target=/mnt,image-subpath={subpath}", "busybox", "true",
               check=False)
    assert done.returncode == 125 and words in done.stderr, done.stderr
    assert engine.out("ps", "-aq") == ""


@pytest.mark.parametrize("users", [(), ("--userns", "auto")], ids=["host", "userns"])
def test_an_image_that_means_harm(engine, users):
    """Its links end inside it, its devices open nothing, and what it hides stays hidden."""
    engine.load_busybox()
    lower, upper = image.Layer(), image.Layer()
    lower.symlink("etc", "/etc").symlink("up", "../../../..").symlink("host", "/proc/1/root").symlink("self", "self")
    lower.add("disk", kind=tarfile.BLKTYPE, mode=0o666, major=8).add("hidden", b"x").dir("opaque").add("opaque/hidden", b"x")
    upper.add(".wh.hidden", b"").dir("opaque").add("opaque/.wh..wh..opq", b"").add("opaque/seen", b"")
    load(engine, "bad", lower, upper)
    mount = "type=image,source=bad,target=/mnt"
    out = run(engine, *users, "--mount", mount, "busybox", "sh", "-c", "ls /mnt /mnt/opaque; cat /mnt/disk 2>&1; true").stdout
    assert out.split("\n") == ["/mnt:", "disk", "etc", "host", "opaque", "self", "up", "", "/mnt/opaque:", "seen",
                               "cat: can't open '/mnt/disk': Operation not permitted", ""]
    assert run(engine, *users, "--mount", f"{mount},image-subpath=up", "busybox", "ls", "/mnt/opaque").stdout == "seen\n"
    for subpath in ("etc", "etc/hostname", "host/etc", "self", "disk/x", "up/etc", "hidden", b"\xff"):
        asked = f"{mount},image-subpath=".encode() + (subpath if isinstance(subpath, bytes) else subpath.encode())
        done = run(engine, *users, "--mount", asked.decode(errors="surrogateescape"), "busybox", "ls", "/mnt", check=False)
        assert done.returncode == 125 and not done.stdout and "/mnt" in done.stderr, (subpath, done)


def test_user_namespace_sees_the_ids_of_the_image(mapping):
    engine = mapping
    engine.load_busybox()
    data_image(engine)
    out = run(engine, "--userns", "auto", "--mount", "type=image,source=data,target=/mnt", "busybox", "sh", "-c",
              "stat -c %u:%g /mnt/dir /mnt/dir/file; cat /mnt/changed; touch /mnt/x 2>&1; true").stdout
    assert out.splitlines() == ["5:6", "7:8", "new", "touch: /mnt/x: Read-only file system"]


def test_inspect(engine):
    engine.load_busybox()
    data_image(engine)
    engine.cleat("create", "--name", "has", "--mount", "type=image,source=data,target=/mnt,image-subpath=dir", "busybox")
    about = json.loads(engine.out("inspect", "has"))[0]
    wanted = json.loads(engine.out("image", "inspect", "data"))[0]["Id"]
    assert about["Mounts"] == [{"Type": "image", "Name": "data", "Source": wanted, "Destination": "/mnt", "Mode": "ro",
                                "RW": False, "Propagation": ""}]
    assert about["HostConfig"]["Mounts"] == [{"Type": "image", "Source": "data", "Target": "/mnt",
                                              "ImageOptions": {"Subpath": "dir"}}]


def test_the_image_stays_as_long_as_it_is_needed(engine):
    engine.load_busybox()
    data_image(engine)
    engine.cleat("run", "-d", "--name", "has", "--network", "none", "--mount", "type=image,source=data,target=/mnt",
                 "busybox", "sleep", "600")
    done = engine.cleat("rmi", "-f", engine.out("images", "-q", "data"), check=False)
    assert done.returncode == 1 and "is being used by running container" in done.stderr
    engine.cleat("kill", "has")
    engine.cleat("wait", "has")
    done = engine.cleat("rmi", "data", check=False)
    assert done.returncode == 1 and "is using its referenced image" in done.stderr, done.stderr
    engine.cleat("image", "prune", "-af")
    engine.cleat("rmi", "-f", "data")  # the name alone
    engine.kill()
    engine.start()
    engine.cleat("start", "has")
    assert engine.out("exec", "has", "cat", "/mnt/changed") == "new"
    engine.cleat("rm", "-f", "has")
    engine.cleat("image", "prune", "-af")
    assert engine.out("images", "-aq") == ""
    engine.expect_nothing_left()


def test_starts_again_without_the_engine(engine):
    engine.load_busybox()
    data_image(engine)
    engine.cleat("run", "-d", "--name", "has", "--restart", "always", "--network", "none", "--mount",
                 "type=image,source=data,target=/mnt", "busybox", "sh", "-c",
                 "cat /mnt/changed; test -e /go || { touch /go; exit 3; }; sleep 600")
    engine.wait_for_log("has", "new\nnew")
    engine.kill()
    # what the container wrote may be there before the runtime, which is also the shim's child, has ended
    shim, = engine.shims()
    pid, = harness.wait_until(lambda: [p for p in harness.children(shim) if harness.exe(p) == "busybox"], what="its first process")
    os.kill(pid, signal.SIGKILL)
    engine.start()
    engine.wait_for_log("has", "new\nnew\nnew")
    engine.cleat("system", "upgrade", "--binary", str(harness.BIN / "cleatd"))
    engine.cleat("restart", "-t", "0", "has")
    engine.wait_for_log("has", "new\nnew\nnew\nnew")
    out = run(engine, "--mount", "type=image,source=data,target=/mnt", "busybox", "cat", "/mnt/changed").stdout
    assert out == "new\n"


def test_copies_and_changes(engine, tmp_path):
    engine.load_busybox()
    data_image(engine)
    engine.cleat("run", "-d", "--name", "has", "--network", "none", "--mount", "type=image,source=data,target=/mnt",
                 "--mount", "type=image,source=data,target=/part,image-subpath=dir", "busybox", "sleep", "600")
    for state in ("running", "stopped"):
        to = tmp_path / state
        to.mkdir()
        engine.cleat("cp", "has:/mnt/changed", str(to / "a"))
        engine.cleat("cp", "has:/part/file", str(to / "b"))
        assert [(to / "a").read_text(), (to / "b").read_text()] == ["new\n", "content\n"]
        done = engine.cleat("cp", str(to / "a"), "has:/mnt/x", check=False)
        assert done.returncode == 1 and "read-only" in done.stderr.lower(), done.stderr
        engine.cleat("kill", "has", check=False)
        engine.cleat("wait", "has")
    assert {line.split()[1] for line in engine.out("diff", "has").splitlines()} == {"/mnt", "/part"}


def test_files_of_one_that_cannot_start(engine, tmp_path):
    """A subpath that is not there keeps nobody from the other files."""
    engine.load_busybox()
    data_image(engine)
    engine.cleat("run", "--rm", "-v", "vol:/v", "--network", "none", "busybox", "touch", "/v/file")
    for n, mount in enumerate(["type=image,source=data", "type=volume,source=vol"]):
        for part in ("nothing", "changed/x", "file/x"):
            name, option = f"never{n}{part.replace('/', '')}", "image" if n == 0 else "volume"
            engine.cleat("create", "--name", name, "--mount", f"{mount},target=/mnt,{option}-subpath={part}", "busybox")
            engine.cleat("cp", f"{name}:/etc/passwd", str(tmp_path / "passwd"))
            engine.cleat("cp", str(tmp_path / "passwd"), f"{name}:/etc/copy")
            assert engine.cleat("cp", f"{name}:/mnt", "-", check=False).returncode == 1


def many_layers(tag, n):
    layers = [image.Layer().add(f"{tag}{i}", b"") for i in range(n)]
    return tag, *layers


def test_many_layers_and_mounts(engine, tmp_path):
    """More than one message takes to the shim; the container has none of them open, and all are there again."""
    engine.load_busybox()
    load(engine, *many_layers("first", 120))
    load(engine, *many_layers("second", 90))
    mounts = [word for i in range(24)
              for word in ("--mount", f"type=image,source={('first', 'second')[i % 2]},target=/m/{i}")]
    see = "ls /m/* | grep -c '[0-9]$'; ls /proc/self/fd | wc -l"
    assert run(engine, "--userns", "auto", *mounts, "busybox", "sh", "-c", see).stdout.split() == ["2520", "4"]
    engine.cleat("run", "-d", "--name", "has", "--restart", "always", "--network", "none", *mounts, "busybox", "sh", "-c",
                 f"{see}; test -e /go || {{ touch /go; exit 3; }}; sleep 600")
    engine.wait_for_log("has", "2520\n4\n2520\n4")
    engine.cleat("system", "upgrade", "--binary", str(harness.BIN / "cleatd"))
    harness.kill_shim(engine)
    engine.cleat("restart", "-t", "0", "has")
    engine.wait_for_log("has", "2520\n4\n2520\n4\n2520\n4")
    engine.cleat("kill", "has")
    engine.cleat("wait", "has")
    engine.cleat("cp", "has:/m/23/second7", str(tmp_path))
    engine.cleat("cp", str(tmp_path / "second7"), "has:/go")
    engine.cleat("create", "--name", "deep", *mounts, *(word.replace("/m/", "/n/") for word in mounts), "first", "none")
    engine.cleat("cp", "deep:/n/23/second8", str(tmp_path))


def test_images_that_go_meanwhile(engine):
    """A container has its image or is not made, and it is the mounted image that was not found."""
    engine.load_busybox()
    data_image(engine)
    archive = image.docker_archive(["data"], [image.Layer().add("file", b"x").bytes()])
    engine.cleat("create", "--name", "other", "busybox")
    end = threading.Event()

    def come_and_go():
        while not end.is_set():
            engine.cleat("load", text=False, input=archive)
            engine.cleat("image", "prune", "-af")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(60):
            done = run(engine, "--pull", "never", "--mount", "type=image,source=data,target=/mnt", "busybox", "ls", "/mnt",
                       check=False)
            assert (done.returncode, done.stdout) in ((0, "file\n"), (0, "changed\ndir\nout\n"), (125, "")), done
            assert not done.stderr or done.stderr == "cleat: No such image: data\n"
    finally:
        end.set()
        thread.join()
    engine.cleat("rm", "other")
    engine.expect_nothing_left()


def test_volumes_from(engine):
    engine.load_busybox()
    data_image(engine)
    engine.cleat("create", "--name", "has", "--mount", "type=image,source=data,target=/mnt", "busybox")
    engine.cleat("create", "--name", "inherits", "--volumes-from", "has", "busybox", "cat", "/mnt/changed")
    engine.cleat("rm", "has")
    done = engine.cleat("rmi", "data", check=False)
    assert done.returncode == 1 and "is using its referenced image" in done.stderr
    assert engine.out("start", "-a", "inherits") == "new"


def test_errors(engine):
    engine.load_busybox()
    for mount, words in (("type=image,source=nothing,target=/mnt", "No such image: nothing"),
                         ("type=image,target=/mnt", "a source= that names an image"),
                         ("type=image,source=busybox,target=mnt", "an absolute target="),
                         ("type=image,source=busybox,target=/", "destination can't be '/'"),
                         ("type=image,source=busybox,target=/x,volume-subpath=y", "cannot mix")):
        done = run(engine, "--pull", "never", "--mount", mount, "busybox", "true", check=False)
        assert done.returncode == 125 and words in done.stderr, done.stderr
    done = run(engine, "--runtime", "/bin/false", "--mount", "type=image,source=busybox,target=/mnt", "busybox", "true",
               check=False)
    assert done.returncode == 125 and "no other runtime than cleat-oci" in done.stderr, done.stderr
    assert engine.out("ps", "-aq") == ""
