# SPDX-License-Identifier: Apache-2.0
"""What a layer becomes on disk, archives that must be refused, and loads that are cut off: by a full disk, by
the death of the worker or the engine. Whatever happens, nothing is left over."""
import contextlib
import ctypes
import io
import json
import os
import pathlib
import signal
import stat
import subprocess
import tarfile

import harness
import image
import layerview
import pytest

pytestmark = pytest.mark.layer_drivers
DEADLINE_S = 60


def load(engine, data, check=True):
    return engine.cleat("load", text=False, input=data, check=check)


@contextlib.contextmanager
def load_layer(engine, build, tag="layer:1"):
    """Loads an image of one layer; the directory it became."""
    layer = image.Layer()
    build(layer)
    data = layer.bytes()
    load(engine, image.docker_archive([tag], [data]))
    with layerview.opened(engine, image.sha256(data)) as root:
        yield root


def leftovers(engine):
    found = []
    for folder in ("layers", "tmp"):
        if (engine.state / folder).exists():
            found += list((engine.state / folder).iterdir())
    return found


def nothing_left(engine):
    """The files of an image that was removed go a moment later."""
    harness.wait_until(lambda: leftovers(engine) == [], what="the end of all files")
    return engine.out("images", "-aq") == ""


# ---- what a layer becomes

CAPABILITY = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"  # cap_net_bind_service=ep, version 2


def check_metadata(root):
    d, file = (root / "d").stat(), (root / "d/file").stat()
    assert (stat.S_IMODE(d.st_mode), d.st_uid, d.st_gid, d.st_mtime) == (0o1750, 7, 8, 1500000000)
    assert (stat.S_IMODE(file.st_mode), file.st_uid, file.st_gid) == (0o4711, 1000, 1001)
    assert file.st_mtime == 1700000000
    assert stat.S_IMODE((root / "plain").stat().st_mode) == 0o640
    assert os.readlink(root / "link") == "/etc/passwd" and os.readlink(root / "up") == "../../../../outside"
    assert (root / "hard").stat().st_ino == file.st_ino
    assert os.readlink(root / "to-link") == "/etc/passwd"
    assert stat.S_ISFIFO((root / "fifo").stat().st_mode)
    assert (root / "null").stat().st_rdev == os.makedev(1, 3) and stat.S_ISCHR((root / "null").stat().st_mode)
    assert (root / "disk").stat().st_rdev == os.makedev(8, 1) and stat.S_ISBLK((root / "disk").stat().st_mode)
    assert (root / "absolute").read_bytes() == b"a" and (root / "made/on/the/way").read_bytes() == b"w"
    assert os.listxattr(root / "attributes") == ["user.note"]
    assert os.getxattr(root / "bind", "security.capability") == CAPABILITY
    assert (root / "caf\u00e9").read_bytes() == b"utf-8" and (root / ("n" * 255)).exists()


def test_metadata(attributed, layer_driver):  # pylint: disable=unused-argument
    def build(layer):
        layer.dir("d", 0o1750, uid=7, gid=8, mtime=1500000000)
        layer.add("d/file", b"text", mode=0o4711, uid=1000, gid=1001)
        layer.add("plain", b"p", mode=0o640)
        layer.symlink("link", "/etc/passwd")
        layer.symlink("up", "../../../../outside")
        layer.add("hard", kind=tarfile.LNKTYPE, link="d/file")
        layer.add("to-link", kind=tarfile.LNKTYPE, link="link")
        layer.add("fifo", kind=tarfile.FIFOTYPE, mode=0o600)
        layer.add("null", kind=tarfile.CHRTYPE, mode=0o666, major=1, minor=3)
        layer.add("disk", kind=tarfile.BLKTYPE, mode=0o600, major=8, minor=1)
        layer.add("/absolute", b"a")
        layer.add("made/on/the/way", b"w")
        layer.add("attributes", b"x", pax={"SCHILY.xattr.user.note": "n", "SCHILY.xattr.trusted.overlay.opaque": "y",
                                           "SCHILY.xattr.user.overlay.opaque": "y"})
        layer.add("bind", b"b", mode=0o755, pax={"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1")})
        layer.add("caf\u00e9", b"utf-8")
        layer.add("n" * 255, b"long")

    with harness.Engine(attributed / "e") as engine:
        with load_layer(engine, build) as root:
            check_metadata(root)
        # set-user-ID programs and devices of an image are out of the host's users' reach
        assert stat.S_IMODE((engine.state / "layers").stat().st_mode) == 0o700


def test_devices_of_an_image_cannot_be_opened(engine):
    base = image.busybox_layer()
    top = image.Layer().add("disk", kind=tarfile.BLKTYPE, mode=0o666, major=259, minor=0).bytes()
    load(engine, image.docker_archive(["dev:1"], [base, top]))
    done = engine.cleat("run", "--rm", "dev:1", "sh", "-c", "[ -b /disk ] && cat /disk >/dev/null", check=False)
    assert done.returncode == 1 and "not permitted" in done.stderr


def test_entries_that_repeat(engine):
    def build(layer):
        layer.add("f", b"first").add("f", b"second")
        layer.dir("d", 0o700).add("d/kept", b"k").dir("d", 0o755)
        layer.add("was-file", b"x").dir("was-file").add("was-file/in", b"i")
        layer.dir("was-dir").add("was-dir/in", b"i").add("was-dir", b"file")

    with load_layer(engine, build) as root:
        assert (root / "f").read_bytes() == b"second"
        assert (root / "d/kept").read_bytes() == b"k" and stat.S_IMODE((root / "d").stat().st_mode) == 0o755
        assert (root / "was-file/in").read_bytes() == b"i" and (root / "was-dir").read_bytes() == b"file"


def test_whiteouts(engine):
    base = image.busybox_layer()
    middle = image.Layer().dir("opaque").add("opaque/old", b"o").dir("again").add("again/old", b"o").dir("gone")
    middle.add("gone/x", b"x").dir("later").add("later/old", b"o")
    top = image.Layer().add("etc/.wh.group").dir("opaque").add("opaque/.wh..wh..opq").add("opaque/new", b"n")
    top.add(".wh.again").dir("again").add("again/new", b"n").add(".wh.gone")
    top.dir("later").add("later/new", b"n").add(".wh.later")
    top.dir("fresh").add("fresh/.wh.nothing").add("fresh/file", b"f")
    load(engine, image.docker_archive(["w:1"], [base, middle.bytes(), top.bytes()]))
    script = "ls /opaque /again /later /fresh; ls /etc/group /gone 2>/dev/null; [ -f /etc/passwd ]"
    assert engine.out("run", "--rm", "w:1", "sh", "-c", script).split() == [
        "/again:", "new", "/fresh:", "file", "/later:", "new", "/opaque:", "new"]


# ---- archives that are refused

def hostile(build):
    layer = image.Layer()
    build(layer)
    return image.docker_archive(["bad:1"], [layer.bytes()])


def lying_config(change):
    data = image.busybox_layer()
    conf = json.loads(image.config([data]))
    change(conf)
    return image.docker_archive(["bad:1"], [data], json.dumps(conf).encode())


def rewrite(raw, change):
    """The archive with each member's name and bytes passed through change(name, data)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(raw)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            data = change(member.name, old.extractfile(member).read())
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return out.getvalue()


def flip_layer(name, data):
    return data[:-1] + bytes([data[-1] ^ 1]) if len(data) > 100_000 else data


def cut_gzip_layer(name, data):
    return data[:-1000] if len(data) > 100_000 else data


def renamed_cut_layer():
    """A blob that is cut, under the digest of what is left of it."""
    raw = image.oci_archive("bad:1")
    names = {}

    def cut(name, data):
        if len(data) > 100_000:
            names[name.split("/")[-1]] = image.sha256(data[:-1000])
            return data[:-1000]
        return data
    raw = rewrite(raw, cut)
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(raw)) as old, tarfile.open(fileobj=out, mode="w") as new:
        renames = dict(names)
        for member in sorted(old.getmembers(), key=lambda m: m.name == "index.json"):
            data = old.extractfile(member).read()
            before = image.sha256(data)
            for a, b in renames.items():
                data = data.replace(a.encode(), b.encode())
            if image.sha256(data) != before:
                renames[before] = image.sha256(data)
            member.name = "/".join([*member.name.split("/")[:-1],
                                    renames.get(member.name.split("/")[-1], member.name.split("/")[-1])])
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return out.getvalue()


def zstd_bomb():
    """Zeros without end in a few bytes."""
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_compress.restype = zstd.ZSTD_compressBound.restype = ctypes.c_size_t
    head = image.Layer()
    info = tarfile.TarInfo("zeros")
    info.size = 1 << 40
    head.tar.fileobj.write(info.tobuf())
    plain = head.raw.getvalue() + bytes(256 << 20)
    packed = ctypes.create_string_buffer(1 << 20)
    size = zstd.ZSTD_compress(packed, ctypes.c_size_t(1 << 20), plain, ctypes.c_size_t(len(plain)), 3)
    return image.docker_archive(["bad:1"], [packed.raw[:size]])


def long_member_name():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("x" * 65536))
    return out.getvalue()


def many_layers():
    data = image.Layer().add("x", b"x").bytes()
    return image.docker_archive(["bad:1"], [data] * 129)


REFUSED = {
    "dotdot": (lambda: hostile(lambda l: l.add("../escaped", b"x")), 'entry "../escaped"'),
    "deep_dotdot": (lambda: hostile(lambda l: l.add("a/../../escaped", b"x")), "leads out"),
    "through_a_link": (lambda: hostile(lambda l: l.symlink("d", "/tmp").add("d/escaped", b"x")), "a link"),
    "through_a_hard_link": (lambda: hostile(lambda l: l.symlink("d", "/tmp").add("e", kind=tarfile.LNKTYPE, link="d")
                                            .add("e/escaped", b"x")), "a link"),
    "through_a_file": (lambda: hostile(lambda l: l.add("f", b"x").add("f/x", b"x")), "a link or a file"),
    "hardlink_out": (lambda: hostile(lambda l: l.add("h", kind=tarfile.LNKTYPE, link="../../../../etc/passwd")),
                     "leads out"),
    "hardlink_to_nothing": (lambda: hostile(lambda l: l.add("h", kind=tarfile.LNKTYPE, link="nothing")), "nothing"),
    "hardlink_to_a_directory": (lambda: hostile(lambda l: l.dir("d").add("h", kind=tarfile.LNKTYPE, link="d")), "d"),
    "whiteout_of_nothing": (lambda: hostile(lambda l: l.add(".wh.")), "whiteout"),
    "whiteout_of_the_parent": (lambda: hostile(lambda l: l.add(".wh...")), "whiteout"),
    "name_of_64_KiB": (lambda: hostile(lambda l: l.add("n" * 65536, b"x")), "longer than"),
    "name_of_256_bytes": (lambda: hostile(lambda l: l.add("n" * 256, b"x")), "256 bytes"),
    "too_deep": (lambda: hostile(lambda l: l.add("d/" * 300 + "f", b"x")), "deep"),
    "config_lies": (lambda: lying_config(lambda c: c["rootfs"].update(diff_ids=["sha256:" + "0" * 64])), "diff id"),
    "too_few_diff_ids": (lambda: lying_config(lambda c: c["rootfs"].update(diff_ids=[])), "0 layers"),
    "too_many_diff_ids": (lambda: lying_config(lambda c: c["rootfs"]["diff_ids"].append("sha256:" + "0" * 64)),
                          "2 layers"),
    "diff_id_is_none": (lambda: lying_config(lambda c: c["rootfs"].update(diff_ids=["../../x"])), "diff_ids"),
    "no_rootfs": (lambda: lying_config(lambda c: c.pop("rootfs")), "rootfs"),
    "env_is_a_number": (lambda: lying_config(lambda c: c["config"].update(Env=[1])), "Env"),
    "config_is_no_json": (lambda: image.docker_archive(["bad:1"], None, b"{"), "config"),
    "digest_mismatch": (lambda: rewrite(image.oci_archive("bad:1", compress=False), flip_layer), "digest"),
    "layer_is_cut": (lambda: rewrite(image.oci_archive("bad:1"), cut_gzip_layer), "runcated"),
    "layer_is_cut_with_right_digest": (renamed_cut_layer, "runcated"),
    "config_missing": (lambda: rewrite(image.docker_archive(["bad:1"]), lambda n, d: None if len(n) == 69 else d),
                       "missing"),
    "layer_missing": (lambda: rewrite(image.docker_archive(["bad:1"]), lambda n, d: None if "layer" in n else d),
                      "missing"),
    "layer_is_text": (lambda: rewrite(image.docker_archive(["bad:1"]), lambda n, d: b"text" if "layer" in n else d),
                      "no tar"),
    "no_manifest": (lambda: rewrite(image.docker_archive(["bad:1"]), lambda n, d: None if n == "manifest.json" else d),
                    "not an image archive"),
    "manifest_is_no_json": (lambda: rewrite(image.docker_archive(["bad:1"]),
                                            lambda n, d: b"[" if n == "manifest.json" else d), "manifest.json"),
    "layers_are_numbers": (lambda: rewrite(image.docker_archive(["bad:1"]), lambda n, d: b'[{"Config":"x","Layers":[1]}]'
                                           if n == "manifest.json" else d), "Layers[0]"),
    "empty_index": (lambda: rewrite(image.oci_archive("bad:1"), lambda n, d: b'{"manifests":[]}'
                                    if n == "index.json" else d), "index.json"),
    "bad_index_digest": (lambda: rewrite(image.oci_archive("bad:1"), lambda n, d: b'{"manifests":[{"digest":"sha256:x"}]}'
                                         if n == "index.json" else d), "digest"),
    "second_image_is_bad": (lambda: rewrite(
        image.docker_archive(["good:1"]), lambda n, d: json.dumps(
            json.loads(d) + [{"Config": "nowhere.json", "Layers": []}]).encode() if n == "manifest.json" else d),
        "nowhere.json"),
    "too_many_layers": (many_layers, "129 layers"),
    "cut": (lambda: image.docker_archive(["bad:1"])[:200_000], "runcated"),
    "garbage": (lambda: bytes(range(256)) * 40, "no tar"),
    "empty": (lambda: b"", "empty"),
    "bad_tag": (lambda: image.docker_archive(["Bad//name:1"]), "invalid reference"),
    "tag_of_64_KiB": (lambda: image.docker_archive(["x" * 65536 + ":1"]), "invalid reference"),
    "member_name_of_64_KiB": (long_member_name, "bad name"),
    "zstd_bomb": (zstd_bomb, "grows"),
}


@pytest.fixture(scope="module")
def shared(layer_driver):  # pylint: disable=unused-argument
    with harness.Engine() as engine:
        yield engine


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_archives_change_nothing(shared, name):
    make, sentence = REFUSED[name]
    done = load(shared, make(), check=False)
    text = done.stderr.decode()
    assert done.returncode == 1, text
    assert text.startswith("cleat: ") and text.count("\n") == 1 and len(text) < 500, text
    assert sentence in text
    assert nothing_left(shared)
    assert not pathlib.Path("/tmp/escaped").exists() and not (shared.root / "escaped").exists()


def test_after_all_that_it_still_loads(shared):
    load(shared, image.docker_archive(["good:1"]))
    assert shared.out("run", "--rm", "good:1", "echo", "fine") == "fine"
    shared.out("rmi", "good:1")
    assert nothing_left(shared)


def test_deepest_directories_come_and_go(shared):
    path = "d/" * 250 + "f"
    with load_layer(shared, lambda l: l.add(path, b"x")) as root:
        assert (root / path).read_bytes() == b"x"
    shared.out("rmi", "layer:1")
    assert nothing_left(shared)


def test_parallel_bad_and_good(shared):
    """A bad archive fails alone."""
    good = [shared.popen("load", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(2)]
    bad = shared.popen("load", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    bad.communicate(hostile(lambda l: l.add("../x", b"x")), DEADLINE_S)
    for number, process in enumerate(good):
        process.communicate(image.docker_archive([f"good:{number}"]), DEADLINE_S)
    assert bad.returncode == 1 and [p.returncode for p in good] == [0, 0]
    shared.out("rmi", "good:0", "good:1")


# ---- cut off

def big_archive():
    layer = image.Layer()
    layer.add("early", b"e" * 100_000)
    layer.add("big", os.urandom(1 << 20) * 8)
    return image.docker_archive(["cut:1"], [layer.bytes()])


class Halfway:
    """A load that waits for the second half of its archive, with the worker that has unpacked from the first."""

    def __init__(self, engine):
        self.engine, self.data = engine, big_archive()
        self.process = engine.popen("load", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdin.write(self.data[:len(self.data) // 2])
        self.process.stdin.flush()
        first = "tar" if harness.LAYER_DRIVER == "erofs" else "fs/early"
        harness.wait_until(lambda: list(engine.state.glob(f"tmp/lease-*/*/{first}")), DEADLINE_S, "unpacking")
        self.worker = harness.wait_until(self.find_worker, DEADLINE_S, "the worker")

    def find_worker(self):
        """Its root is the lease's directory."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if harness.exe(int(pid)) == "cleat-worker" and os.readlink(f"/proc/{pid}/root").startswith(
                        str(self.engine.state)):
                    return int(pid)
            except OSError:
                continue
        return None

    def finish(self):
        try:
            return self.process.communicate(self.data[len(self.data) // 2:], DEADLINE_S)
        except BrokenPipeError:
            return self.process.communicate(timeout=DEADLINE_S)


@pytest.mark.unsanitized(reason="a sanitizer needs more address space than the worker's limit")
def test_worker_is_confined(engine):
    half = Halfway(engine)
    proc = pathlib.Path("/proc", str(half.worker))
    # chown dac_override fowner fsetid mknod sys_admin (trusted.* attributes) setfcap
    kept = sum(1 << c for c in (0, 1, 3, 4, 21, 27, 31)) if harness.LAYER_DRIVER == "dir" else 0
    for task in (proc / "task").iterdir():
        status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        assert int(status["CapEff"], 16) == kept and int(status["CapPrm"], 16) == kept
        assert int(status["CapInh"], 16) == 0 and int(status["CapAmb"], 16) == 0
        assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
        assert os.readlink(task / "root") == os.readlink(proc / "root")
    for kind in ("net", "mnt", "ipc", "uts"):
        assert os.readlink(proc / "ns" / kind) != os.readlink(f"/proc/self/ns/{kind}"), kind
    interfaces = (proc / "net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    root = pathlib.Path(os.readlink(proc / "root"))
    assert root.parent == engine.state / "tmp" and os.readlink(proc / "cwd") == str(root)
    allowed = {"socket:", "/memfd:cleat-result (deleted)", str(root), "/dev/null", str(engine.log_path)}
    for fd in harness.opened(half.worker):
        target = os.readlink(f"/proc/self/fd/{fd}")
        assert target in allowed or target.startswith("socket:") or target.startswith(str(root)), target
    limits = (proc / "limits").read_text()
    assert "Max address space         1073741824" in limits
    half.finish()
    assert half.process.returncode == 0
    engine.expect_no_work()


def test_worker_is_killed(engine):
    half = Halfway(engine)
    os.kill(half.worker, signal.SIGKILL)
    _, error = half.finish()
    assert half.process.returncode == 1 and error.startswith(b"cleat: ") and error.count(b"\n") == 1
    assert nothing_left(engine)


def test_client_goes_away(engine):
    half = Halfway(engine)
    half.process.kill()
    half.process.wait(DEADLINE_S)
    harness.wait_until(lambda: leftovers(engine) == [], DEADLINE_S, "end of the load")
    assert nothing_left(engine)


def test_engine_is_killed(engine):
    half = Halfway(engine)
    engine.kill()
    harness.wait_until(lambda: not pathlib.Path("/proc", str(half.worker)).exists(), DEADLINE_S, "end of the worker")
    half.process.kill()
    half.process.communicate(timeout=DEADLINE_S)
    orphan = engine.state / "layers" / ("0" * 64)
    (orphan / "fs").mkdir(parents=True)
    engine.start()
    harness.wait_until(lambda: leftovers(engine) == [], DEADLINE_S, "the sweep")
    assert nothing_left(engine)
    load(engine, half.data)
    assert engine.out("images", "--format", "{{.Repository}}") == "cut"


def test_engine_is_killed_at_any_time(engine):
    """Loads under way while the engine dies again and again: what is listed is whole, the rest is gone."""
    data = [image.docker_archive([f"k:{i}"], [image.busybox_layer(), image.Layer().add("n", str(i).encode()).bytes()])
            for i in range(6)]
    for number, archive in enumerate(data):
        process = engine.popen("load", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        part = len(archive) * (number + 1) // 6
        process.stdin.write(archive[:part])
        process.stdin.flush()
        if part == len(archive):
            process.stdin.close()
        engine.kill()
        process.kill()
        process.wait(DEADLINE_S)
        engine.start()
        for name in engine.out("images", "--format", "{{.Repository}}:{{.Tag}}").split():
            engine.out("run", "--rm", name, "cat", "/n")
    ids = engine.out("images", "-q", "--no-trunc").split()
    if ids:
        engine.out("rmi", "-f", *ids)
    harness.wait_until(lambda: leftovers(engine) == [], DEADLINE_S, "the sweep")


def test_full_disk(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    disk = tmp_path / "disk"
    with open(disk, "wb") as file:
        file.truncate(6 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", disk], check=True)
    subprocess.run(["mount", "-o", "loop", disk, state], check=True)
    try:
        with harness.Engine(tmp_path) as engine:
            done = load(engine, big_archive(), check=False)
            text = done.stderr.decode()
            assert done.returncode == 1 and "No space left on device" in text and text.count("\n") == 1, text
            assert nothing_left(engine)
            load(engine, image.docker_archive(["small:1"], [image.Layer().add("x", b"x" * 100_000).bytes()]))
            assert engine.out("images", "--format", "{{.Repository}}") == "small"
    finally:
        subprocess.run(["umount", "-l", state], check=True)
