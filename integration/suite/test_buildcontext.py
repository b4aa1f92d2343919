# SPDX-License-Identifier: Apache-2.0
"""The context of a build: what travels, what the engine keeps, and clients that say something else than is true."""
import concurrent.futures
import contextlib
import hashlib
import io
import os
import re
import shutil
import stat
import tarfile
import time

import pytest

import harness
from buildkit import build, fails, files, run, steps
from cleat import Client, InvalidArgument
from cleat.v1 import (BuildRequest, BuildRequest_ContextContents, BuildRequest_ContextFile, BuildRequest_ContextListing,
                      BuildRequest_Options, Images)

COPY_ALL = "FROM busybox\nCOPY . /all/\n"
UNITS = {"B": 1, "kB": 1000, "MB": 10**6, "GB": 10**9}


def sent(result):
    """(bytes of the context that travelled, bytes there are)"""
    done = re.findall(r"transferring context: ([\d.]+)([kMG]?B) of ([\d.]+)([kMG]?B) done", result.stderr)
    assert len(done) == 1, result.stderr
    number, unit, of, of_unit = done[0]
    return float(number) * UNITS[unit], float(of) * UNITS[of_unit]


def copied(result):
    return not steps(result)[1].cached


def kept(engine):
    """Files the engine keeps of contexts, by their contents. It may remove some meanwhile."""
    found = set()
    for path in (engine.state / "contents").glob("??/*"):
        with contextlib.suppress(FileNotFoundError):
            found.add(path.read_bytes())
    return found


@pytest.fixture
def context(tmp_path):
    folder = tmp_path / "context"
    folder.mkdir()
    for i in range(20):
        files(folder, {f"dir{i % 3}/file{i}": f"{i}" * 20000})
    return folder


def test_no_more_is_sent_than_there_is(busybox, context):
    for i in range(500):
        files(context, {f"tiny/{i}": f"{i}"})
    done, there = sent(build(busybox, context, COPY_ALL))
    assert done == there


def test_what_the_engine_has_is_not_sent_again(busybox, context):
    size = sum(p.stat().st_size for p in context.rglob("*") if p.is_file())
    assert size < sent(build(busybox, context, COPY_ALL))[0] < 1.05 * size
    again = build(busybox, context, COPY_ALL)
    assert sent(again)[0] < 3000 and sent(again)[1] >= size and not copied(again)
    # also when it is not cached
    assert sent(build(busybox, context, COPY_ALL + "RUN true\n", "--no-cache"))[0] < 3000
    files(context, {"dir1/file1": "x" * 50000})
    changed = build(busybox, context, COPY_ALL)
    assert copied(changed) and 50000 < sent(changed)[0] < 53000
    assert run(busybox, "cat", "/all/dir1/file1") == "x" * 50000
    assert run(busybox, "cat", "/all/dir2/file2") == "2" * 20000
    # another directory, the same files
    other = context.parent / "other"
    shutil.copytree(context, other)
    moved = build(busybox, other, COPY_ALL)
    assert sent(moved)[0] < 3000 and not copied(moved)


def test_what_no_step_needs_is_not_sent(busybox, context):
    files(context, {"small/a": "a", "big": "b" * 10**6, "left/out": "c" * 10**6, ".dockerignore": "left\n"})
    r = build(busybox, context, "FROM busybox\nCOPY small /\n")
    assert sent(r)[0] < 4000
    assert run(busybox, "cat", "/a") == "a"
    assert kept(busybox) == {b"a"}
    text = "FROM busybox\nRUN --mount=target=/c cat /c/small/a > /1\nRUN --mount=target=/c cat /c/big > /2\n"
    assert 1.6 * 10**6 < sent(build(busybox, context, text))[0] < 1.7 * 10**6
    fails(busybox, context, "FROM busybox\nCOPY left /\n", message="excluded by .dockerignore")


def test_changes_that_show_nowhere_else(busybox, context):
    """The same size and the same times: only the contents tell."""
    file = context / "dir1/file1"
    before = file.stat()
    build(busybox, context, COPY_ALL)
    file.write_text("z" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert copied(build(busybox, context, COPY_ALL))
    assert run(busybox, "cat", "/all/dir1/file1") == "z" * before.st_size


def test_changes_of_what_is_no_contents(busybox, context):
    (context / "link").symlink_to("dir1")
    (context / "empty").mkdir()
    build(busybox, context, COPY_ALL)

    def look():
        r = build(busybox, context, COPY_ALL)
        assert copied(r) and sent(r)[0] < 4000
        return run(busybox, "sh", "-c", "cd /all; stat -c '%n %a %F %u' dir1/file1 empty; readlink link").splitlines()

    (context / "dir1/file1").chmod(0o4751)
    assert look()[0] == "dir1/file1 4751 regular file 0"
    (context / "link").unlink()
    (context / "link").symlink_to("dir2")
    assert look()[2] == "dir2"
    (context / "empty").chmod(0o1777)
    assert look()[1] == "empty 1777 directory 0"
    (context / "empty").rmdir()
    (context / "empty").write_text("")
    assert look()[1].endswith("regular empty file 0")
    (context / "dir0/file0").rename(context / "dir0/new")
    assert look() and run(busybox, "ls", "/all/dir0").split()[-1] == "new"
    owned = build(busybox, context, COPY_ALL.replace("COPY", "COPY --chown=7:8"))
    assert copied(owned) and sent(owned)[0] < 4000
    assert run(busybox, "stat", "-c", "%u:%g", "/all/dir0/new") == "7:8\n"


def test_links_lead_nowhere_else(busybox, context):
    outside = context.parent / "outside"
    files(context.parent, {"outside/secret": "secret"})
    (context / "to-dir").symlink_to("dir1")
    (context / "absolute").symlink_to("/dir2/file2")
    (context / "up").symlink_to("../../../dir0")
    (context / "out").symlink_to(outside)
    build(busybox, context, "FROM busybox\nCOPY to-dir/file1 absolute /a/\nCOPY up /b/\nCOPY to-*/file? dir[02]/ /c/\n")
    assert run(busybox, "sh", "-c", "cd /a; ls; head -c 3 absolute").split() == ["absolute", "file1", "222"]
    assert run(busybox, "ls", "/b").split()[0] == "file0"
    assert {"file1", "file7", "file0", "file2"} <= set(run(busybox, "ls", "/c").split())
    fails(busybox, context, "FROM busybox\nCOPY out/secret /\n", message="file does not exist")


def test_a_tar_and_a_directory_are_the_same(busybox, context):
    """What a step depends on is the files, however they came."""
    (context / "link").symlink_to("dir1")
    build(busybox, context, COPY_ALL)
    packed = io.BytesIO()

    def rooted(entry):
        entry.uid = entry.gid = 0
        return entry

    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(context, ".", filter=rooted)
    r = busybox.cleat("build", "-t", "built", "-", input=packed.getvalue(), text=False)
    assert b"[2/2] COPY . /all/\n#2 CACHED" in r.stderr


def test_after_a_restart_and_after_a_prune(busybox, context):
    size = sum(p.stat().st_size for p in context.rglob("*") if p.is_file())
    build(busybox, context, COPY_ALL)
    busybox.kill()
    busybox.start()
    assert sent(build(busybox, context, COPY_ALL + "RUN true\n", "--no-cache"))[0] < 3000
    rows = busybox.out("system", "df").splitlines()
    assert re.search(r"Build Cache +\d+ +\d+ +\d+\S* +600\S*kB", rows[-1]), rows
    assert re.search(r"Total reclaimed space: 600\S*kB", busybox.out("builder", "prune", "-f"))
    assert not kept(busybox)
    assert sent(build(busybox, context, COPY_ALL))[0] < 3000  # cached: nobody needs the files
    assert sent(build(busybox, context, COPY_ALL, "--no-cache"))[0] > size


def test_two_builds_at_once(busybox, context):
    text = "FROM busybox AS a\nCOPY . /all\nFROM busybox AS b\nCOPY . /all\nRUN true\nFROM a\nCOPY --from=b /all /b\n"
    tags = ("one", "two", "three")
    (context / "Dockerfile").write_text(text)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda tag: busybox.cleat("build", "-t", tag, str(context)), tags))
    for tag in tags:
        assert run(busybox, "cat", "/b/dir1/file4", image=tag) == "4" * 20000


def age(engine, seconds, *contents):
    """As if these had been used last so long ago."""
    for path in (engine.state / "contents").glob("??/*"):
        if path.read_bytes() in contents:
            os.utime(path, times=(time.time() - seconds, time.time() - seconds))


def test_what_is_kept_has_bounds(tmp_path):
    with harness.Engine(config={"build-context-max-size": "100k"}) as engine:
        for name, size in (("old", 60000), ("ancient", 10), ("young", 60000)):
            files(tmp_path / name, {"file": name[0] * size})
            if name == "young":
                age(engine, 3600, b"o" * 60000)
                age(engine, 15 * 24 * 3600, b"a" * 10)
            build(engine, tmp_path / name, "FROM scratch\nCOPY file /\n")
        harness.wait_until(lambda: kept(engine) == {b"y" * 60000}, what="removal of what was used longest ago")


# ---- clients by hand

class Hand:
    """A build whose client does what a test wants."""

    def __init__(self, engine, text, listing, end=True):
        self.client = Client(engine.host)
        self.call = Images(self.client).build()
        self.call.send(BuildRequest(options=BuildRequest_Options(tags=["hand"], dockerfile_text=text.encode(), listed=True)))
        self.call.send(BuildRequest(listing=BuildRequest_ContextListing(files=listing, end=end)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def wanted(self):
        return next(reply.wanted.paths for reply in self.call if reply.which("message") == "wanted")

    def contents(self, data, end=True):
        self.call.send(BuildRequest(contents=BuildRequest_ContextContents(data=data, end=end)))

    def finish(self):
        """The image's id, and whether some step was cached."""
        replies = list(self.call)
        cached = any(r.which("message") == "progress" and r.progress.status == "CACHED" for r in replies)
        return next(r.image_id for r in replies if r.which("message") == "image_id"), cached


def listed(path, data=b"", mode=stat.S_IFREG | 0o644, **more):
    digest = hashlib.sha256(data).digest() if stat.S_ISREG(mode) else b""
    return BuildRequest_ContextFile(path=path, mode=mode, mtime_ns=10**18, sha256=digest, **more)


FROM_SCRATCH = "FROM scratch\nCOPY f /\n"


def saved(engine, name):
    """Contents of the files of an image's only layer."""
    with tarfile.open(fileobj=io.BytesIO(engine.cleat("save", name, text=False).stdout)) as archive:
        layers = [n for n in archive.getnames() if archive.getmember(n).isfile()]
        for layer in layers:
            try:
                with tarfile.open(fileobj=archive.extractfile(layer)) as tar:
                    return {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
            except tarfile.ReadError:
                continue
    raise AssertionError("no layer")


def test_a_file_that_changes_while_it_is_sent(engine):
    """The image has what came; nobody finds it by what it should have been."""
    with Hand(engine, FROM_SCRATCH, [listed(b"f", b"said")]) as hand:
        assert hand.wanted() == [b"f"]
        hand.contents(b"something else")
        assert not hand.finish()[1]
    assert saved(engine, "hand") == {"f": b"something else"}
    assert not kept(engine)
    with Hand(engine, FROM_SCRATCH, [listed(b"f", b"said")]) as hand:
        assert hand.wanted() == [b"f"]
        hand.contents(b"sa", end=False)
        hand.contents(b"id")
        assert not hand.finish()[1]
    assert saved(engine, "hand") == {"f": b"said"}
    with Hand(engine, FROM_SCRATCH, [listed(b"f", b"said")]) as hand:
        assert hand.finish()[1]
    assert kept(engine) == {b"said"}


@pytest.mark.parametrize("how", ["client", "engine"])
def test_half_a_file_leaves_nothing(engine, how):
    with Hand(engine, FROM_SCRATCH, [listed(b"f", b"x" * 10**6)]) as hand:
        hand.wanted()
        hand.contents(b"x" * 5000, end=False)
        if how == "engine":
            engine.kill()
    if how == "engine":
        engine.start()
    harness.wait_until(lambda: not os.listdir(engine.state / "tmp"), what="an empty directory for work under way")
    assert not kept(engine) and "hand" not in engine.out("images", "-a")


def test_a_client_that_only_ends(engine):
    with Hand(engine, FROM_SCRATCH, [listed(b"f", b"x")]) as hand:
        hand.wanted()
        hand.call.end()
        with pytest.raises(InvalidArgument, match="the client ended"):
            list(hand.call)


DIRECTORY = stat.S_IFDIR | 0o755


@pytest.mark.parametrize("listing, message", [
    ([listed(b"../f", b"x")], 'entry "../f": a path of a context is relative'),
    ([listed(b"/f", b"x")], "is relative"),
    ([listed(b"d", mode=DIRECTORY), listed(b"d/../f", b"x")], "is relative"),
    ([listed(b"f", b"x"), listed(b"f", b"y")], "listed twice"),
    ([listed(b"f", b"x"), listed(b"a", b"y")], "out of order"),
    ([listed(b"d/f", b"x")], "its directory was not listed"),
    ([listed(b"f", b"x"), listed(b"f/g", b"x")], "its directory was not listed"),
    ([listed(b"l", mode=stat.S_IFLNK | 0o777, target=b"/etc"), listed(b"l/passwd", b"x")], "its directory was not listed"),
    ([listed(b"f\0g", b"x")], "no text"),
    ([listed(b"f", mode=stat.S_IFCHR | 0o600)], "a device"),
    ([listed(b"f", mode=stat.S_IFSOCK | 0o600)], "no context can have"),
    ([BuildRequest_ContextFile(path=b"f", mode=stat.S_IFREG, sha256=b"short")], "without the digest"),
])
def test_hostile_listings(module_engine, listing, message):
    with Hand(module_engine, FROM_SCRATCH, listing) as hand, pytest.raises(InvalidArgument, match=message):
        hand.finish()
    module_engine.expect_no_work()


def test_contents_nobody_asked_for(module_engine):
    with Hand(module_engine, FROM_SCRATCH, [listed(b"f", b"x")], end=False) as hand:
        hand.contents(b"x")
        with pytest.raises(InvalidArgument, match="nobody has asked for"):
            hand.finish()
