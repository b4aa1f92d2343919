# SPDX-License-Identifier: Apache-2.0
"""Images made to do harm, beyond what test_archives.py refuses: links in every combination, layers that grow without
end, a million files, manifests without measure. Under both drivers the same becomes of them."""
import bz2
import gzip
import json
import lzma
import pathlib
import stat
import tarfile
import tempfile

import harness
import httpserver
import image
import layerview
import pytest

pytestmark = pytest.mark.layer_drivers
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ENGINE_MEMORY_KB = 64 << 10


def load(engine, data, check=True):
    return engine.cleat("load", text=False, input=data, check=check)


def load_layers(engine, *layers, check=True):
    return load(engine, image.docker_archive(["hostile:1"], [layer.bytes() for layer in layers]), check)


def nothing_left(engine):
    def files():
        return [p for d in ("layers", "tmp") if (engine.state / d).is_dir()
                for p in (engine.state / d).iterdir() if p.name != "partial"]
    harness.wait_until(lambda: not files(), what="the end of all files")
    assert engine.out("images", "-aq") == ""


def peak_memory_kb(engine):
    return max(int(line.split()[1]) for pid in engine.engine_pids()
               for line in pathlib.Path("/proc", str(pid), "status").read_text().splitlines()
               if line.startswith("VmHWM"))


def assert_small(engine):
    """Sanitizers take memory of their own."""
    assert harness.SANITIZED or peak_memory_kb(engine) < ENGINE_MEMORY_KB


@pytest.fixture(scope="module")
def shared(layer_driver):  # pylint: disable=unused-argument
    with harness.Engine() as engine:
        yield engine


# ---- links

@pytest.fixture(scope="module")
def victim():
    """What no image may reach: a directory of the host, by the path that links name."""
    with tempfile.TemporaryDirectory(prefix="cleat-victim-") as path:
        root = pathlib.Path(path)
        (root / "file").write_bytes(b"precious")
        (root / "dir").mkdir()
        yield root


def snapshot(root):
    return [(str(p), p.lstat().st_mode, p.lstat().st_ino, p.lstat().st_mtime_ns, p.lstat().st_nlink)
            for p in [root, *sorted(root.rglob("*"))]]


LINKS = {  # how the name `d` comes to lead to the victim
    "absolute": lambda l, to: l.symlink("d", to),
    "relative": lambda l, to: l.symlink("d", "../../../../../../../.." + to),
    "of_a_link": lambda l, to: l.symlink("e", to).symlink("d", "e"),
    "hard_link_of_a_link": lambda l, to: l.symlink("e", to).add("d", kind=tarfile.LNKTYPE, link="e"),
    "in_a_directory": lambda l, to: l.dir("x").symlink("x/e", to).symlink("d", "x/e"),
    "of_the_root": lambda l, to: l.symlink("r", "/").symlink("d", "r" + to),
    "replaced_directory": lambda l, to: l.dir("d").add("d/old", b"o").symlink("d", to),
}
THINGS = {  # what is put through it
    "file": lambda l: l.add("d/new", b"x"),
    "over_a_file": lambda l: l.add("d/file", b"x"),
    "directory": lambda l: l.dir("d/dir/new"),
    "link": lambda l: l.symlink("d/link", "file"),
    "hard_link_in": lambda l: l.add("own", b"o").add("d/file", kind=tarfile.LNKTYPE, link="own"),
    "hard_link_out": lambda l: l.add("own", kind=tarfile.LNKTYPE, link="d/file"),
    "fifo": lambda l: l.add("d/fifo", kind=tarfile.FIFOTYPE),
    "device": lambda l: l.add("d/device", kind=tarfile.CHRTYPE, major=1, minor=3),
    "whiteout": lambda l: l.add("d/.wh.file"),
    "whiteout_of_a_directory": lambda l: l.add("d/.wh.dir"),
    "opaque": lambda l: l.add("d/.wh..wh..opq"),
}


@pytest.mark.parametrize("link", sorted(LINKS))
def test_nothing_goes_through_a_link(shared, victim, link):
    before = snapshot(victim)
    for name, put in sorted(THINGS.items()):
        layer = image.Layer()
        LINKS[link](layer, str(victim))
        put(layer)
        done = load_layers(shared, layer, check=False)
        sentence = b"no file here" if name == "hard_link_out" else b"its directory is a link or a file"
        assert done.returncode == 1 and sentence in done.stderr, (name, done.stderr)
        assert snapshot(victim) == before, name
    nothing_left(shared)


@pytest.mark.parametrize("link", sorted(LINKS))
def test_nothing_goes_through_a_link_of_the_layer_below(shared, victim, link):
    """A layer knows nothing of those below it: where its entries need a directory it has one of its own, which takes
    the place of the link. What a hard link names has to be in the same layer."""
    before = snapshot(victim)
    for name, put in sorted(THINGS.items()):
        lower, upper = image.Layer(), image.Layer()
        LINKS[link](lower, str(victim))
        put(upper)
        done = load(shared, image.docker_archive(["two:1"], [image.busybox_layer(), lower.bytes(), upper.bytes()]),
                    check=False)
        if name == "hard_link_out":
            assert done.returncode == 1 and b"no file here" in done.stderr
            continue
        assert done.returncode == 0, (name, done.stderr)
        script = f"[ -d /d ] && ! [ -L /d ] && ! [ -e {victim} ] && ls -A /d"
        seen = shared.out("run", "--rm", "--network", "none", "two:1", "sh", "-c", script).split()
        inside = {"file": ["new"], "over_a_file": ["file"], "directory": ["dir"], "link": ["link"],
                  "hard_link_in": ["file"], "fifo": ["fifo"], "device": ["device"]}
        assert seen == inside.get(name, []), name
        assert snapshot(victim) == before, name
        shared.out("rmi", "two:1")
    nothing_left(shared)


OUTSIDE = {
    "whiteout_beside": lambda l: l.add("../.wh.etc"),
    "whiteout_below_dotdot": lambda l: l.dir("a").add("a/../../.wh.etc"),
    "opaque_parent": lambda l: l.add("../.wh..wh..opq"),
    "whiteout_of_dotdot": lambda l: l.add("a/.wh..."),
    "hard_link_beside": lambda l: l.add("h", kind=tarfile.LNKTYPE, link="../../../etc/passwd"),
    "hard_link_to_the_root": lambda l: l.add("h", kind=tarfile.LNKTYPE, link="/"),
    "hard_link_to_itself": lambda l: l.add("h", kind=tarfile.LNKTYPE, link="h"),
    "hard_link_over_its_directory": lambda l: l.add("h/f", b"x").add("h", kind=tarfile.LNKTYPE, link="h/f"),
    "link_to_nothing": lambda l: l.symlink("l", ""),
    "only_dots": lambda l: l.add("..", kind=tarfile.DIRTYPE),
}


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_refused_names(shared, name):
    layer = image.Layer()
    OUTSIDE[name](layer)
    done = load_layers(shared, layer, check=False)
    text = done.stderr.decode()
    assert done.returncode == 1 and text.startswith("cleat: ") and text.count("\n") == 1, text
    nothing_left(shared)


# ---- metadata

def test_set_user_id_bits(shared):
    """Kept on everything that is not a link, as Docker does, whoever owns it; none reaches the host's users."""
    layer = image.Layer()
    for uid in 0, 1000:
        layer.add(f"file{uid}", b"x", mode=0o6755, uid=uid, gid=uid)
        layer.dir(f"dir{uid}", 0o7755, uid=uid, gid=uid)
        layer.add(f"fifo{uid}", kind=tarfile.FIFOTYPE, mode=0o6644, uid=uid, gid=uid)
        layer.add(f"null{uid}", kind=tarfile.CHRTYPE, mode=0o6666, uid=uid, gid=uid, major=1, minor=3)
        layer.symlink(f"link{uid}", f"file{uid}")
        layer.add(f"dir{uid}/file", b"x", mode=0o640).dir(f"dir{uid}/dir").add(f"dir{uid}/made/file", b"x")
    data = layer.bytes()
    load(shared, image.docker_archive(["bits:1"], [image.busybox_layer(), data]))
    with layerview.opened(shared, image.sha256(data)) as root:
        for uid in 0, 1000:
            modes = [stat.S_IMODE((root / f"{name}{uid}").lstat().st_mode) for name in ("file", "dir", "fifo", "null")]
            assert modes == [0o6755, 0o7755, 0o6644, 0o6666], uid
            below = [(root / f"dir{uid}" / name).lstat() for name in ("file", "dir", "made", "made/file")]
            assert [(oct(stat.S_IMODE(st.st_mode)), st.st_gid) for st in below] == [
                ("0o640", 0), ("0o755", 0), ("0o755", 0), ("0o644", 0)], "what a directory gives its group to"
    assert shared.out("run", "--rm", "bits:1", "stat", "-c", "%a", "/file1000", "/dir0").split() == ["6755", "7755"]
    assert stat.S_IMODE((shared.state / "layers").stat().st_mode) == 0o700
    shared.out("rmi", "bits:1")
    nothing_left(shared)


# ---- what grows

BOMBS = {"bz2": bz2.compress, "xz": lambda data: lzma.compress(data, preset=0), "gzip": lambda data: gzip.compress(data, 9)}


def zeros(megabytes):
    layer = image.Layer()
    layer.add("zeros", bytes(megabytes << 20))
    return layer.bytes()


@pytest.mark.parametrize("kind", sorted(BOMBS))
def test_bombs(layer_driver, kind):  # pylint: disable=unused-argument
    """By ratio where the format can do it (gzip ends at 1032), and by quota always."""
    data = zeros(48)
    archive = rename_layer(image.docker_archive(["bomb:1"], [data]), data, BOMBS[kind](data))
    with harness.Engine(config={"layer-max-size": "32m"}) as engine:
        done = load(engine, archive, check=False)
        assert done.returncode == 1 and b"layer-max-size" in done.stderr, done.stderr
        assert b"33554432 bytes" in done.stderr and done.stderr.count(b"\n") == 1
        nothing_left(engine)
        plain = load(engine, image.docker_archive(["bomb:1"], [data]), check=False)
        assert plain.returncode == 1 and b"layer-max-size" in plain.stderr
        done = engine.cleat("import", "-", text=False, input=BOMBS[kind](data), check=False)
        assert done.returncode == 1 and b"layer-max-size" in done.stderr, done.stderr
        nothing_left(engine)
        load(engine, image.docker_archive(["fits:1"], [zeros(31)]))


def rename_layer(archive, plain, packed):
    """The image archive with other bytes for its layer."""
    return archive_of((name, packed if data == plain else data) for name, data in members(archive))


def members(archive):
    with tempfile.TemporaryFile() as file:
        file.write(archive)
        file.seek(0)
        with tarfile.open(fileobj=file) as tar:
            return [(m.name, tar.extractfile(m).read()) for m in tar]


def archive_of(files):
    layer = image.Layer()
    for name, data in files:
        layer.add(name, data)
    return layer.bytes()


def test_more_than_the_disk_has(engine):
    """Said before the first byte of a layer is asked for."""
    layer = image.busybox_layer()
    conf = image.config([layer])
    document = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                           "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(conf),
                                      "digest": "sha256:" + image.sha256(conf)},
                           "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 1 << 60,
                                       "digest": "sha256:" + image.sha256(layer)}]}).encode()
    with Server({"/v2/x/manifests/1": document, f"/v2/x/blobs/sha256:{image.sha256(conf)}": conf}) as server:
        done = engine.cleat("pull", f"{server.host}/x:1", check=False)
        assert done.returncode == 1 and "1152921504606846976 bytes" in done.stderr, done.stderr
        assert "No space left on device" in done.stderr
        assert not [path for path in server.asked if image.sha256(layer) in path]
    nothing_left(engine)


# ---- many

def entries(count):
    """Empty files, a thousand to a directory, without the time that tarfile would take."""
    info = tarfile.TarInfo("d000/f000")
    info.mtime = 1700000000
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    base = sum(block[:148]) + sum(block[156:512]) + 8 * 32 - sum(block[:9])
    out = bytearray(512 * count + 1024)
    for n in range(count):
        name = b"d%03d/f%03d" % divmod(n, 1000)
        block[:9] = name
        block[148:156] = b"%06o\0 " % (base + sum(name))
        out[n * 512:n * 512 + 512] = block
    return bytes(out)


def test_a_million_files(engine, layer_driver):
    """As many as that under `erofs`, whose index of them takes moments; a directory's system calls take longer."""
    count = 1_000_000 if layer_driver == "erofs" and not harness.SANITIZED else 20_000
    data = entries(count)
    engine.cleat("load", text=False, input=image.docker_archive(["many:1"], [image.busybox_layer(), data]), timeout=300)
    last = "/d%03d/f%03d" % divmod(count - 1, 1000)
    script = f"[ -f {last} ] && ls /d000 | wc -l"
    assert engine.out("run", "--rm", "--network", "none", "many:1", "sh", "-c", script) == "1000"
    assert_small(engine)
    engine.out("rmi", "many:1")
    nothing_left(engine)


@pytest.mark.soak
def test_more_entries_than_a_layer_may_have(engine):
    """The same entry, again and again: what counts is what was read."""
    count = (4 << 20) + 1
    info = tarfile.TarInfo("f")
    with engine.popen("import", "-", stdin=-1, stdout=-1, stderr=-1, text=False) as process:
        block = info.tobuf(tarfile.USTAR_FORMAT) * 4096
        try:
            for _ in range(count // 4096 + 1):
                process.stdin.write(block)
        except BrokenPipeError:
            pass
        _, error = process.communicate()
    assert process.returncode == 1 and b"more than 4194304 entries" in error, error
    nothing_left(engine)


# ---- manifests without measure

class Server(httpserver.HttpServer):
    def __init__(self, answers):
        self.answers, self.asked = answers, []
        super().__init__()

    def answer(self, handler):
        self.asked.append(handler.path)
        body = self.answers.get(handler.path)
        handler.send_response(200 if body is not None else 404)
        handler.send_header("Content-Type", MANIFEST)
        handler.end_headers()
        try:
            handler.wfile.write(body or b"{}")
        except OSError:
            pass


def manifest_of_layers(count):
    layers = ",".join(['{"digest":"sha256:%s","size":1}' % ("a" * 64)] * 3 + ["{}"] * (count - 3))
    return ('{"schemaVersion":2,"config":{"digest":"sha256:%s","size":2},"layers":[%s]}' % ("b" * 64, layers)).encode()


MANIFESTS = {
    "100_MB": (b"[" * (100 << 20), "longer than 4194304 bytes"),
    "100_MB_of_one_text": (b'{"a":"' + b"a" * (100 << 20), "longer than 4194304 bytes"),
    "100000_layers": (manifest_of_layers(100_000), "layers"),
    "100000_deep": (b"[" * 100_000, "manifest"),
    "a_million_keys": (b'{%s}' % b",".join(b'"%d":0' % n for n in range(300_000)), "expected either layers or manifests"),
}


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_manifests(layer_driver, name):  # pylint: disable=unused-argument
    body, sentence = MANIFESTS[name]
    with harness.Engine() as engine, Server({"/v2/x/manifests/1": body}) as server:
        done = engine.cleat("pull", f"{server.host}/x:1", check=False)
        assert done.returncode == 1 and sentence in done.stderr, done.stderr
        assert len(done.stderr) < 500 and done.stderr.count("\n") == 1
        assert_small(engine)
        nothing_left(engine)
        for kind in "manifest.json", "index.json":
            done = load(engine, archive_of([(kind, body)]), check=False)
            assert done.returncode == 1 and len(done.stderr) < 500 and done.stderr.count(b"\n") == 1, done.stderr
            assert_small(engine)
        nothing_left(engine)


def test_archive_of_100000_layers(shared):
    listed = json.dumps([{"Config": "c.json", "RepoTags": ["bad:1"], "Layers": ["l.tar"] * 100_000}]).encode()
    layer = image.Layer().add("x").bytes()
    done = load(shared, archive_of([("c.json", image.config([layer])), ("l.tar", layer), ("manifest.json", listed)]),
                check=False)
    assert done.returncode == 1 and b"layers" in done.stderr and len(done.stderr) < 500, done.stderr
    nothing_left(shared)
