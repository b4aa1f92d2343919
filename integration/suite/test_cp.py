# SPDX-License-Identifier: Apache-2.0
"""cp: Docker's rules, links inside and out, containers that run, that do not, and that mean harm."""
import io
import itertools
import os
import re
import stat
import subprocess
import tarfile
import threading
import time

import pytest

import harness
import image

NUMBERS = itertools.count()



@pytest.fixture(scope="module")
def boxes(layer_driver):  # pylint: disable=unused-argument
    """One engine with two containers of the same contents: one runs, one does not."""
    script = """
        mkdir -p /data/dir/sub /data/empty; echo file > /data/file; echo inner > /data/dir/inner
        echo deep > /data/dir/sub/deep; ln -s file /data/link; ln -s /data/dir /data/dirlink
        ln -s /etc/passwd /data/abs; ln -s nowhere /data/dangling; ln -s loop /data/loop
        ln -s /x/../../../../etc/passwd /data/out; ln -s ../../../../../.. /data/up
        echo s > /data/dir/setuid; chown 12:34 /data/dir/setuid; chmod 6755 /data/dir/setuid
        ln /data/dir/inner /data/dir/twin; mknod /data/dir/null c 1 3; mknod /data/dir/fifo p
        echo x > "/data/dir/with space"; echo x > "$(printf '/data/dir/new\\nline')"
        touch -d '2001-02-03 04:05:06' /data/dir/inner; chmod 555 /data/dir/sub
        echo ready
    """
    with harness.Engine() as e:
        e.load_busybox()
        e.out("run", "--name", "stopped", "busybox", "sh", "-ec", script)
        e.out("run", "-d", "--name", "running", "busybox", "sh", "-ec", script + "\nwhile :; do sleep 1; done")
        e.wait_for_log("running", "ready")
        yield e


BOTH = pytest.mark.parametrize("box", ["running", "stopped"])


def archive(engine, source, *options):
    """name -> (kind, content or target) of what `cp SOURCE -` gives."""
    data = engine.cleat("cp", *options, source, "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: (m.type, tar.extractfile(m).read() if m.isreg() else m.linkname) for m in tar.getmembers()}


def tree(path):
    found = {}
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            full = os.path.join(folder, name)
            st = os.lstat(full)
            found[os.path.relpath(full, path)] = (
                stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_mtime_ns, st.st_rdev,
                os.readlink(full) if stat.S_ISLNK(st.st_mode) else
                open(full, "rb").read() if stat.S_ISREG(st.st_mode) else None)
    return found


# ---- out of a container

@pytest.mark.layer_drivers
@BOTH
def test_out(boxes, box, tmp_path):
    boxes.out("cp", f"{box}:/data/file", tmp_path / "new")
    assert (tmp_path / "new").read_text() == "file\n"
    boxes.out("cp", f"{box}:/data/file", tmp_path)
    assert (tmp_path / "file").read_text() == "file\n"
    boxes.out("cp", f"{box}:data/dir/inner", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "inner\n"
    boxes.out("cp", f"{box}:/data/dir", tmp_path)
    assert (tmp_path / "dir/sub/deep").read_text() == "deep\n"
    boxes.out("cp", f"{box}:/data/dir", tmp_path / "named")
    boxes.out("cp", f"{box}:/data/dir/.", tmp_path / "contents")
    (tmp_path / "into").mkdir()
    boxes.out("cp", f"{box}:/data/dir/.", tmp_path / "into")
    assert tree(tmp_path / "named") == tree(tmp_path / "dir") == tree(tmp_path / "contents") == tree(tmp_path / "into")


@BOTH
def test_what_files_are_comes_along(boxes, box, tmp_path):
    boxes.out("cp", "-a", f"{box}:/data/dir", tmp_path)
    d = tmp_path / "dir"
    st = os.stat(d / "setuid")
    assert (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid) == (0o6755, 12, 34)
    assert os.stat(d / "inner").st_ino == os.stat(d / "twin").st_ino and os.stat(d / "inner").st_mtime == 981173106
    assert stat.S_ISFIFO(os.lstat(d / "fifo").st_mode)
    assert os.lstat(d / "null").st_rdev == os.makedev(1, 3)
    assert stat.S_IMODE(os.stat(d / "sub").st_mode) == 0o555
    assert (d / "with space").exists() and (d / "new\nline").exists()
    boxes.out("cp", f"{box}:/data/dir/setuid", tmp_path / "mine")
    assert (os.stat(tmp_path / "mine").st_uid, os.stat(tmp_path / "mine").st_gid) == (os.getuid(), os.getgid())


def test_running_and_stopped_are_equal(boxes):
    strip = {"new\nline"}
    for path in ("/data/dir", "/data/link", "/data/dirlink/", "/etc/passwd", "/data/.", "/etc/hostname"):
        one, two = archive(boxes, f"running:{path}"), archive(boxes, f"stopped:{path}")
        if path == "/etc/hostname":
            assert list(one) == list(two) and one != two  # each its own name
        else:
            assert one == two and set(one) >= strip - strip


@BOTH
def test_links(boxes, box, tmp_path):
    assert archive(boxes, f"{box}:/data/link") == {"link": (tarfile.SYMTYPE, "file")}
    assert archive(boxes, f"{box}:/data/dangling") == {"dangling": (tarfile.SYMTYPE, "nowhere")}
    assert archive(boxes, f"{box}:/data/loop") == {"loop": (tarfile.SYMTYPE, "loop")}
    assert archive(boxes, f"{box}:/data/dirlink") == {"dirlink": (tarfile.SYMTYPE, "/data/dir")}
    assert archive(boxes, f"{box}:/data/dirlink/")["dirlink/inner"] == (tarfile.REGTYPE, b"inner\n")
    assert archive(boxes, f"{box}:/data/dirlink/inner") == {"inner": (tarfile.REGTYPE, b"inner\n")}
    boxes.out("cp", "-L", f"{box}:/data/link", tmp_path)
    assert (tmp_path / "link").read_text() == "file\n" and not (tmp_path / "link").is_symlink()
    boxes.out("cp", "-L", f"{box}:/data/dirlink", tmp_path)
    assert (tmp_path / "dirlink/inner").read_text() == "inner\n"
    boxes.out("cp", f"{box}:/data/link", tmp_path / "aslink")
    assert os.readlink(tmp_path / "aslink") == "file"


@BOTH
def test_no_path_leads_out(boxes, box):
    """Links are resolved as the container would; the host's passwd has no user `web`."""
    inside = b"web:x:1000:1000"
    for path in ("/data/abs", "/data/out", "/data/up/etc/passwd", "/../../../etc/passwd", "/data/../../etc/passwd"):
        (kind, content), = archive(boxes, f"{box}:{path}", "-L").values()
        assert kind == tarfile.REGTYPE and inside in content, path
    if box == "running":
        done = boxes.cleat("cp", "running:/proc/1/root/etc/passwd", "-", check=False)
        assert done.returncode == 1 and ("symbolic link" in done.stderr or "denied" in done.stderr)


@BOTH
@pytest.mark.parametrize("path,sentence", [
    ("/absent", "Could not find the file /absent"),
    ("/data/file/", "not a directory"),
    ("/data/file/x", "not a directory"),
    ("/data/loop/x", "too many levels of symbolic links"),
    ("/data/dangling/", "Could not find the file"),
    ("/" + "x" * 5000, "longer than"),
    ("/" + "x" * 300, "File name too long"),
])
def test_paths_that_are_not(boxes, box, path, sentence, tmp_path):
    done = boxes.cleat("cp", f"{box}:{path}", tmp_path / "x", check=False)
    assert done.returncode == 1 and sentence in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments,sentence", [
    (["running:/data/file", "running:/x"], "copying between containers is not supported"),
    (["/etc/passwd", "/tmp/x"], "must specify at least one container source"),
    (["absent:/x", "-"], "No such container: absent"),
    (["-", "absent:/x"], "No such container: absent"),
    (["-", "running:/data/file"], "must be a directory"),
    (["-", "running:/absent"], "must be a directory"),
    (["/absent/file", "running:/"], "No such file or directory"),
    (["", "running:/"], "source can not be empty"),
    (["running:/data/dir", "/etc/passwd"], "cannot copy directory"),
    (["/etc", "running:/data/file"], "cannot copy directory"),
    (["/etc/passwd", "running:/absent/"], "no such directory"),
    (["/etc/passwd", "running:/absent/deep/x"], "Could not find the file /absent/deep"),
    (["/etc/passwd/", "running:/"], "Not a directory"),
    (["running:/data/file", "/absent/deep/x"], "does not exist"),
])
def test_wrong_input(boxes, arguments, sentence):
    done = boxes.cleat("cp", *arguments, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and sentence in done.stderr, done.stderr


# ---- into a container

def sh(engine, box, script):
    return engine.out("exec", box, "sh", "-c", script)


@pytest.fixture
def local(tmp_path):
    (tmp_path / "dir/sub").mkdir(parents=True)
    (tmp_path / "dir/inner").write_text("inner")
    (tmp_path / "dir/sub/deep").write_text("deep")
    (tmp_path / "file").write_text("file")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dirlink").symlink_to("dir")
    os.link(tmp_path / "dir/inner", tmp_path / "dir/twin")
    os.chown(tmp_path / "file", 1234, 1235)
    os.chmod(tmp_path / "file", 0o4750)
    os.utime(tmp_path / "file", ns=(1, 1700000000123456789))
    return tmp_path


class Target:
    """A container of its own on the file's engine, and a way to see into it."""

    def __init__(self, engine, name, runs):
        self.engine, self.name, self.runs = engine, name, runs
        prepare = "mkdir -p /t/old; echo x > /t/there; ln -s /t/old /t/tolink; ln -s ../../../t /up; echo ready"
        loop = "while :; do sleep 1; done"
        if runs:
            engine.out("run", "-d", "--name", name, "busybox", "sh", "-c", f"{prepare}; {loop}")
            engine.wait_for_log(name, "ready")
        else:
            engine.out("run", "--name", name, "busybox", "sh", "-c", f"[ -d /t ] || {{ {prepare}; exit; }}; {loop}")

    def cp(self, *arguments, **kw):
        """cp with `box:` for the container."""
        named = [re.sub("^box:", f"{self.name}:", str(a)) for a in arguments]
        return self.engine.cleat("cp", *named, **kw)

    def see(self, script):
        if not self.runs:
            self.engine.out("start", self.name)
        return sh(self.engine, self.name, script)


@pytest.fixture(params=["running", "stopped"])
def target(request, boxes):
    t = Target(boxes, f"target{next(NUMBERS)}", request.param == "running")
    yield t
    boxes.out("rm", "-f", t.name)


@pytest.mark.layer_drivers
def test_in(target, local):
    target.cp(local / "file", "box:/t/new")
    target.cp(local / "file", "box:/t/old/")
    target.cp(local / "file", "box:/t/there")
    target.cp(local / "dir", "box:/t")
    target.cp(local / "dir", "box:/t/named")
    target.cp(f"{local}/dir/.", "box:/t/contents")
    target.cp(f"{local}/dir/.", "box:/t/old")
    target.cp(local / "link", "box:/t/")
    target.cp("-L", local / "link", "box:/t/followed")
    target.cp(local / "file", "box:/t/tolink")
    target.cp(local / "file", "box:up/byup")
    target.cp("-a", local / "file", "box:/t/owned")
    shown = target.see("cd /t; find . | sort; cat new old/file there dir/sub/deep; readlink link; cat followed;"
                "stat -c '%u %g %a %Y' new owned; stat -c %h dir/inner").split("\n")
    assert shown[:-3] == [
        ".", "./byup", "./contents", "./contents/inner", "./contents/sub", "./contents/sub/deep", "./contents/twin",
        "./dir", "./dir/inner", "./dir/sub", "./dir/sub/deep", "./dir/twin", "./followed", "./link", "./named",
        "./named/inner", "./named/sub", "./named/sub/deep", "./named/twin", "./new", "./old", "./old/file",
        "./old/inner", "./old/sub", "./old/sub/deep", "./old/twin", "./owned", "./there", "./tolink",
        "filefilefiledeepfile"]
    assert shown[-3:] == ["file0 0 4750 1700000000", "1234 1235 4750 1700000000", "2"]


def test_kinds_are_not_replaced(target, local):
    for source, to in ((local / "dir", "box:/t/there"), ):
        assert "cannot copy directory" in target.cp(source, to, check=False).stderr
    (local / "old").write_text("a file")
    done = target.cp(local / "old", "box:/t", check=False)
    assert done.returncode == 1 and "cannot overwrite directory" in done.stderr, done.stderr
    (local / "there").mkdir()
    done = target.cp(local / "there", "box:/t", check=False)
    assert done.returncode == 1 and "cannot overwrite non-directory" in done.stderr, done.stderr
    assert target.see("cat /t/there; ls /t/old") == "x"


def pack(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, value in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(value)
                tar.addfile(info, io.BytesIO(value))
            else:
                info.linkname = value
                tar.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize("entries,sentence", [
    ([("../escaped", tarfile.REGTYPE, b"x")], ".."),
    ([("a/../../escaped", tarfile.REGTYPE, b"x")], ".."),
    ([("hard", tarfile.LNKTYPE, "../../etc/passwd")], ".."),
    ([("hard", tarfile.LNKTYPE, "/etc/absent")], "hard link"),
    ([("x" * 300, tarfile.REGTYPE, b"x")], "300"),
])
def test_hostile_archives_are_refused(target, entries, sentence):
    done = target.cp("-", "box:/t", input=pack(*entries), text=False, check=False)
    assert done.returncode == 1 and sentence.encode() in done.stderr, done.stderr
    assert target.see("ls / /t") and "escaped" not in target.see("find / -xdev")


def test_hostile_archives_stay_inside(target):
    """Absolute names and links that lead up end inside the container, and nowhere on the host."""
    marker = f"cleat-test-{os.getpid()}"
    target.cp("-", "box:/t", text=False, input=pack(
        (f"/tmp/{marker}", tarfile.REGTYPE, b"absolute"),
        ("up", tarfile.SYMTYPE, "../../../../../../../../tmp"), (f"up/{marker}-link", tarfile.REGTYPE, b"link"),
        ("abs", tarfile.SYMTYPE, "/tmp"), (f"abs/{marker}-abs", tarfile.REGTYPE, b"abs")))
    assert target.see(f"cat /t/tmp/{marker}; cat /tmp/{marker}-link; cat /tmp/{marker}-abs") == "absolutelinkabs"
    assert not [name for name in os.listdir("/tmp") if name.startswith(marker)]


@pytest.mark.parametrize("data", [b"", b"no archive at all" * 100, pack(("x", tarfile.REGTYPE, b"y" * 5000))[:3000]])
def test_broken_archives(target, data):
    done = target.cp("-", "box:/t", input=data, text=False, check=False)
    assert done.returncode == 1 and done.stderr.startswith(b"cleat: "), done.stderr


def test_large_and_sparse(target, local):
    big = local / "big"
    with open(big, "wb") as f:
        f.write(os.urandom(3 << 20))
        f.seek(40 << 20)
        f.write(b"end")
    target.cp(big, "box:/t/big")
    target.cp("box:/t/big", local / "back")
    assert subprocess.run(["cmp", big, local / "back"], check=False).returncode == 0
    assert target.see("stat -c %s /t/big") == str((40 << 20) + 3)


def test_a_tree_round_trip(target, local):
    source = local / "source"
    source.mkdir()
    for i in range(40):
        (source / f"d{i}").mkdir()
        for k in range(20):
            (source / f"d{i}/f{k}").write_bytes(os.urandom(i * k))
    (source / "name with \n newline").write_text("x")
    (source / b"latin\xff".decode(errors="surrogateescape")).write_text("x")
    (source / ("long" * 50)).write_text("x")
    os.setxattr(source / "d1/f1", "user.note", b"kept")
    target.cp(source, "box:/t/tree")
    target.cp("box:/t/tree", local / "back")
    assert tree(source) == tree(local / "back")
    assert os.getxattr(local / "back/d1/f1", "user.note") == b"kept"


# ---- mounts and read-only roots

@pytest.mark.layer_drivers
@BOTH
def test_mounts_inside_the_path(busybox, tmp_path, box):
    bound = tmp_path / "bound"
    bound.mkdir()
    (bound / "host").write_text("from the host")
    busybox.out("run", "-d", "--name", "running", "-v", f"{bound}:/m/bound", "-v", f"{bound}:/m/ro:ro", "--tmpfs", "/m/tmp",
                "busybox", "sh", "-c", "echo t > /m/tmp/file; echo ready; while :; do sleep 1; done")
    busybox.wait_for_log("running", "ready")
    if box == "stopped":
        busybox.out("kill", "running")
        busybox.out("wait", "running")
    found = archive(busybox, "running:/m")
    assert found["m/bound/host"] == (tarfile.REGTYPE, b"from the host")
    assert ("m/tmp/file" in found) == (box == "running")
    (tmp_path / "file").write_text("new")
    busybox.out("cp", tmp_path / "file", "running:/m/bound/put")
    assert (bound / "put").read_text() == "new"
    done = busybox.cleat("cp", tmp_path / "file", "running:/m/ro/put2", check=False)
    assert done.returncode == 1 and "read-only" in done.stderr and not (bound / "put2").exists()
    if box == "running":
        busybox.out("cp", tmp_path / "file", "running:/m/tmp/put")
        assert sh(busybox, "running", "cat /m/tmp/put") == "new"


@BOTH
def test_a_read_only_root(busybox, tmp_path, box):
    busybox.out("run", "-d", "--name", "box", "--read-only", "-v", f"{tmp_path}:/data", "busybox", "sleep", "1000")
    if box == "stopped":
        busybox.out("kill", "box")
        busybox.out("wait", "box")
    (tmp_path / "file").write_text("x")
    assert archive(busybox, "box:/etc/passwd")["passwd"]
    done = busybox.cleat("cp", tmp_path / "file", "box:/tmp", check=False)
    assert done.returncode == 1 and "marked read-only" in done.stderr
    busybox.out("cp", tmp_path / "file", "box:/data/copy")
    assert (tmp_path / "copy").read_text() == "x"


@pytest.mark.layer_drivers
def test_mounts_of_one_that_never_ran(busybox, tmp_path):
    """Mount points that the image does not have are there, also behind its links, and are made where nobody else sees
    them."""
    layer, bound = image.Layer(), tmp_path / "bound"
    layer.dir("real", mode=0o1751, uid=3, gid=4, mtime=1000000000).symlink("link", "/real").symlink("out", "../../real")
    busybox.cleat("load", text=False, input=image.docker_archive(["links"], [image.busybox_layer(), layer.bytes()]))
    bound.mkdir()
    (bound / "file").write_text("of the host")
    mounts = [f"{bound}:/new/deep", f"{bound}:/link/in", f"{bound}:/out/2", f"{bound}/file:/new/one", f"{bound}:/bin/x",
              "vol:/new/deep/absent"]
    busybox.out("create", "--name", "never", *(word for m in mounts for word in ("-v", m)), "--mount",
                "type=image,source=busybox,target=/new/image", "links")
    for path in ("new/deep/file", "link/in/file", "real/in/file", "real/2/file", "new/one", "bin/x/file"):
        assert archive(busybox, f"never:/{path}") == {path.rpartition("/")[2]: (tarfile.REGTYPE, b"of the host")}, path
    assert archive(busybox, "never:/new/image/bin/sh")["sh"] == (tarfile.SYMTYPE, "busybox")
    data = busybox.cleat("cp", "never:/", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {m.name.removeprefix("./").rstrip("/"): m for m in tar.getmembers()}
    real = found["real"]
    assert (real.mode, real.uid, real.gid, int(real.mtime)) == (0o1751, 3, 4, 1000000000)
    assert found["new/deep/file"].size and "new/deep/absent" not in found and found["."].mode == 0o755
    assert [p.name for p in bound.iterdir()] == ["file"] and busybox.out("diff", "never") == ""
    assert not [m for m in tarfile.open(fileobj=io.BytesIO(busybox.cleat("export", "never", text=False).stdout)).getnames()
                if m.startswith("new")]


def test_a_volume_of_a_read_only_root_that_never_ran(busybox, tmp_path):
    (tmp_path / "file").write_text("x")
    busybox.out("create", "--name", "never", "--read-only", "-v", "vol:/not/there", "busybox", "cat", "/not/there/file")
    busybox.out("cp", tmp_path / "file", "never:/not/there")
    assert archive(busybox, "never:/not/there/file")["file"][1] == b"x"
    done = busybox.cleat("cp", tmp_path / "file", "never:/not", check=False)
    assert done.returncode == 1 and "marked read-only" in done.stderr
    assert busybox.out("start", "-a", "never") == "x"


def test_the_files_the_engine_writes(busybox, tmp_path):
    busybox.out("create", "--name", "box", "--hostname", "me", "busybox", "cat", "/etc/hostname")
    assert archive(busybox, "box:/etc/hostname")["hostname"][1] == b"me\n"
    busybox.out("run", "-d", "--name", "run", "--hostname", "me", "busybox", "sleep", "1000")
    assert archive(busybox, "run:/etc/hostname")["hostname"][1] == b"me\n"


# ---- against somebody

def test_a_container_that_swaps_a_directory_for_a_link(busybox, tmp_path):
    """Whatever moment is hit, what comes out is the container's, and what goes in stays there. A moment at which the directory
    is there comes to one of four copies, of which a slow machine makes few in three seconds."""
    marker = f"cleat-swap-{os.getpid()}"
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("SECRET")
    swap = (f"mkdir -p /w/real {secret}; echo inside > /w/real/key; ln -s {secret} /w/l; cp -r /w/real /w/x; echo ready;"
            "while :; do mv /w/x /w/y; mv /w/l /w/x; mv /w/x /w/l; mv /w/y /w/x; done")
    busybox.out("run", "-d", "--name", "box", "busybox", "sh", "-c", swap)
    busybox.wait_for_log("box", "ready")
    (tmp_path / marker).write_text("x")
    end, results = time.monotonic() + 3, []
    while time.monotonic() < end or 0 not in results:
        done = busybox.cleat("cp", "box:/w/x/key", "-", text=False, check=False)
        assert b"SECRET" not in done.stdout
        results.append(done.returncode)
        busybox.cleat("cp", tmp_path / marker, "box:/w/x/", check=False)
        assert not (secret / marker).exists()
        done = busybox.cleat("cp", "box:/w", tmp_path / "all", check=False)
        assert not (tmp_path / "all/x/key").exists() or "SECRET" not in (tmp_path / "all/x/key").read_text() or \
            (tmp_path / "all/x").is_symlink()
        subprocess.run(["rm", "-rf", tmp_path / "all"], check=True)


def test_devices_are_not_opened(busybox, tmp_path):
    """A node where a file was is given as a node, and not read."""
    busybox.out("run", "-d", "--name", "box", "busybox", "sh", "-c",
                "mknod /zero c 1 5; echo ready; while :; do sleep 1; done")
    busybox.wait_for_log("box", "ready")
    assert archive(busybox, "box:/zero") == {"zero": (tarfile.CHRTYPE, "")}


def test_nothing_is_left(busybox, tmp_path):
    busybox.out("create", "--name", "box", "busybox")
    mounts = harness.mounts_of(busybox)
    busybox.out("cp", "box:/etc", tmp_path / "etc")
    busybox.out("cp", tmp_path / "etc", "box:/etc2")
    assert harness.mounts_of(busybox) == mounts
    assert busybox.out("start", "-a", "box") == ""
    assert archive(busybox, "box:/etc2/passwd")["passwd"]


def workers(engine):
    """pids of the workers of this engine."""
    found = []
    for pid in harness.processes_below("cleat-worker"):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent in engine.engine_pids() and harness.exe(pid) == "cleat-worker":
            found.append(pid)
    return found


@pytest.mark.parametrize("running", [True, False])
def test_a_client_that_goes_away(busybox, running):
    """Its worker goes too, or what was kept of it, and the container can be started."""
    def kept():
        return workers(busybox) if running else list((busybox.state / "tmp").iterdir())

    busybox.out("create", "--name", "box", "busybox", "sleep", "1000" if running else "0")
    if running:
        busybox.out("start", "box")
    with busybox.popen("cp", "-", "box:/tmp", stdin=subprocess.PIPE) as client:
        client.stdin.write(pack(("x", tarfile.REGTYPE, b"y" * 5000))[:2000])
        client.stdin.flush()
        harness.wait_until(kept, what="the upload")
        client.kill()
    harness.wait_until(lambda: not kept(), what="the end of the upload")
    busybox.out("restart", "-t", "0", "box")


def test_many_at_once(busybox, tmp_path):
    busybox.out("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    (tmp_path / "file").write_text("x" * 100000)
    failed = []

    def one(i):
        done = busybox.cleat("cp", tmp_path / "file", f"box:/tmp/{i}", check=False)
        back = busybox.cleat("cp", f"box:/tmp/{i}", tmp_path / f"back{i}", check=False)
        if done.returncode or back.returncode or (tmp_path / f"back{i}").read_text() != "x" * 100000:
            failed.append(done.stderr + back.stderr)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed


# ---- export

@BOTH
def test_the_whole_root(busybox, box):
    """What the kernel shows in files of its own is no file of the container's, wherever it is mounted."""
    busybox.out("run", "-d", "--name", "running", "-v", "/sys/kernel:/k", "busybox", "sh", "-c",
                "echo here > /dev/shm/file; echo ready; sleep 1000")
    busybox.wait_for_log("running", "ready")
    if box == "stopped":
        busybox.out("kill", "running")
        busybox.out("wait", "running")
    found = {name.removeprefix("./"): entry for name, entry in archive(busybox, "running:/").items()}
    assert {"proc", "sys", "k", "bin/busybox", "etc/hostname"} <= set(found)
    assert not [name for name in found if name.startswith(("proc/", "sys/", "k/"))]
    assert ("dev/shm/file" in found) == (box == "running")
    assert set(archive(busybox, "running:/proc")) == {"proc"} and set(archive(busybox, "running:/proc/.")) == {"."}
    done = busybox.cleat("cp", "running:/proc/cpuinfo", "-", check=False)
    assert done.returncode == 1 and "Could not find the file /proc/cpuinfo" in done.stderr


@pytest.mark.layer_drivers
@BOTH
def test_export(boxes, box, tmp_path):
    boxes.out("export", "-o", tmp_path / "out.tar", box)
    with tarfile.open(tmp_path / "out.tar") as tar:
        members = {m.name: m for m in tar.getmembers()}
        assert tar.extractfile("data/file").read() == b"file\n"
    assert members["data/dir/setuid"].mode == 0o6755 and members["data/dir/twin"].islnk()
    assert members["proc"].isdir() and not any(name.startswith("proc/") for name in members)
    assert members["bin/busybox"].size and members["etc/hostname"].size == 0
    assert subprocess.run(boxes.command("export", box), stdout=subprocess.PIPE, check=True).stdout == \
        (tmp_path / "out.tar").read_bytes()


def test_export_without_mounts(busybox, tmp_path):
    (tmp_path / "host").write_text("x")
    busybox.out("run", "-d", "--name", "box", "-v", f"{tmp_path}:/m", "--tmpfs", "/t", "busybox", "sh", "-c",
                "echo x > /t/x; echo ready; sleep 1000")
    busybox.wait_for_log("box", "ready")
    names = tarfile.open(fileobj=io.BytesIO(busybox.cleat("export", "box", text=False).stdout)).getnames()
    assert "m" in names and "t" in names and "m/host" not in names and "t/x" not in names


def test_export_to_nowhere(boxes, tmp_path):
    assert "No such container" in boxes.cleat("export", "-o", tmp_path / "x", "absent", check=False).stderr
    done = boxes.cleat("export", "-o", tmp_path / "a/b", "running", check=False)
    assert done.returncode == 1 and "No such file" in done.stderr


def test_a_slow_copy_holds_nobody_up(busybox):
    """What runs is stopped, removed and made anew while something is still copied into it."""
    busybox.out("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    with busybox.popen("cp", "-", "box:/tmp", stdin=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        client.stdin.write(pack(("x", tarfile.REGTYPE, b"y" * 5000))[:2000])
        client.stdin.flush()
        harness.wait_until(lambda: workers(busybox), what="a worker")
        busybox.out("rm", "-f", "box")
        busybox.out("run", "--rm", "--name", "box", "busybox", "true")
        client.kill()


def test_a_reader_that_goes_away(busybox):
    busybox.out("run", "-d", "--name", "box", "busybox", "sh", "-c", "head -c 50000000 /dev/zero > /big; echo ready; sleep 1000")
    busybox.wait_for_log("box", "ready")
    with busybox.popen("export", "box", stdout=subprocess.PIPE) as client:
        assert client.stdout.read(1000)
        client.kill()
    harness.wait_until(lambda: not workers(busybox), what="end of the worker")


def slow_upload(engine, name):
    """A cp into the container's /tmp whose archive is not all there yet; what it still lacks."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("slow")
        info.size = 300_000
        tar.addfile(info, io.BytesIO(b"s" * info.size))
    data = out.getvalue()
    process = engine.popen("cp", "-", f"{name}:/tmp", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
    process.stdin.write(data[:250_000])
    process.stdin.flush()
    harness.wait_until(lambda: list((engine.state / "tmp").iterdir()), what="the upload")
    return process, data[250_000:]


def test_a_slow_client_keeps_nobody_from_a_container_that_does_not_run(busybox):
    busybox.out("create", "--name", "slow", "busybox", "sleep", "1000")
    process, rest = slow_upload(busybox, "slow")
    assert busybox.out("ps", "-a", "--format", "{{.Names}}") == "slow"
    assert busybox.out("inspect", "-f", "{{.State.Status}}", "slow") == "created"
    busybox.out("start", "slow")  # it is another root then
    process.communicate(rest, 60)
    assert process.returncode == 0
    assert busybox.out("exec", "slow", "stat", "-c", "%s", "/tmp/slow") == "300000"
    busybox.out("rm", "-f", "slow")
    busybox.out("create", "--name", "gone", "busybox")
    process, rest = slow_upload(busybox, "gone")
    busybox.out("rm", "gone")
    _, error = process.communicate(rest, 60)
    assert process.returncode == 1 and b"No such container" in error, error
    harness.wait_until(lambda: not list((busybox.state / "tmp").iterdir()), what="the end of what was kept")
