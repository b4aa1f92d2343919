# SPDX-License-Identifier: Apache-2.0
"""Tars of every kind, the odd ones too: both layer drivers make the same of them, or say the same of what is wrong; and
it is what Python's tarfile makes of them, where that reads them."""
import contextlib
import ctypes
import gzip
import hashlib
import io
import json
import lzma
import os
import stat
import tarfile

import harness
import image
import layerview
import pytest
import rawtar

DRIVERS = ("erofs", "dir")


@pytest.fixture(scope="module")
def engines():
    """One of each driver."""
    if harness.layer_driver_of_choice() != "erofs":
        pytest.skip("the layer driver erofs does not work here")
    before = harness.LAYER_DRIVER
    with contextlib.ExitStack() as stack:
        found = {}
        for driver in DRIVERS:
            harness.LAYER_DRIVER = driver
            found[driver] = stack.enter_context(harness.Engine())
        harness.LAYER_DRIVER = before
        yield found


def look(path, root):
    st = path.lstat()
    directory = stat.S_ISDIR(st.st_mode)
    seen = {"mode": oct(st.st_mode), "owner": (st.st_uid, st.st_gid), "mtime": st.st_mtime_ns,
            "nlink": None if directory else st.st_nlink, "device": st.st_rdev,
            "size": None if directory else st.st_size, "link": None, "data": None, "xattrs": None}
    if stat.S_ISLNK(st.st_mode):
        seen["link"] = os.readlink(path)
    if stat.S_ISREG(st.st_mode):
        seen["data"] = content(path)
    if stat.S_ISREG(st.st_mode) or directory:
        seen["xattrs"] = {n: os.getxattr(path, n) for n in os.listxattr(path)}
    return os.fsencode(path.relative_to(root)), seen


def content(path):
    """A digest of what is in the file, without reading its holes."""
    digest, block = hashlib.sha256(), 64 << 10
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        for at in range(0, min(size, 1 << 20), block):
            file.seek(at)
            digest.update(file.read(block))
        file.seek(max(size - block, 0))
        digest.update(file.read(block))
    return digest.hexdigest()


def tree(root):
    return dict(look(path, root) for path in [root, *root.rglob("*")])


def listed_directories(data):
    """Directories whose time is their entry's; others are made on the way at times of their own."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [(os.fsencode(os.path.normpath(m.name.lstrip("/"))), m.isdir()) for m in tar]
    return {name for name, _ in members} - {name for name, is_dir in members if not is_dir}


def make(engine, data):
    """What the engine makes of the bytes as a layer: its tree, or what it says."""
    done = engine.cleat("import", "-", text=False, input=data, check=False)
    if done.returncode:
        text = done.stderr.decode()
        assert done.returncode == 1 and text.startswith("cleat: ") and text.count("\n") == 1 and len(text) < 500, text
        return text
    made = done.stdout.decode().strip()
    diff = json.loads(engine.out("inspect", made))[0]["RootFS"]["Layers"][0].removeprefix("sha256:")
    with layerview.opened(engine, diff) as root:
        found = tree(root)
    engine.out("rmi", made)
    return found


def same(engines, data, plain=None):
    """Asserts that both drivers do the same; what that is."""
    erofs, dir_ = (make(engines[d], data) for d in DRIVERS)
    if isinstance(erofs, str) or isinstance(dir_, str):
        assert erofs == dir_
        return erofs
    assert sorted(erofs) == sorted(dir_)
    try:
        listed = listed_directories(plain or data)
    except (tarfile.TarError, ValueError, OverflowError):
        listed = set()
    for path, ours in erofs.items():
        for key, value in ours.items():
            mode, whiteout = int(ours["mode"], 8), ours["device"] == 0 and stat.S_ISCHR(int(ours["mode"], 8))
            if key != "mtime" or not (whiteout or stat.S_ISDIR(mode) and path not in listed):
                assert value == dir_[path][key], (path, key)
    return erofs


def check_with_tarfile(found, data):
    """The files that tarfile finds, where nothing else has their name or a part of it."""
    if b"=global\n" in data:  # which tarfile takes for the names of all that follow
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = tar.getmembers()
        names = [os.path.normpath(m.name.lstrip("/")) for m in members]
        linked = {os.path.normpath(m.linkname.lstrip("/")) for m in members if m.islnk()}
        for member, name in zip(members, names):
            alone = sum(n == name or n.startswith(name + "/") or name.startswith(n + "/") for n in names) == 1
            if not member.isreg() or not alone or name in linked or os.path.basename(name).startswith(".wh."):
                continue
            seen = found[os.fsencode(name)]
            assert seen["size"] == member.size and seen["owner"] == (member.uid, member.gid), name
            assert int(seen["mode"], 8) == stat.S_IFREG | member.mode & 0o7777, name
            if member.size <= 1 << 20:
                whole = tar.extractfile(member).read()
                last = whole[max(len(whole) - (64 << 10), 0):]
                assert hashlib.sha256(whole + last).hexdigest() == seen["data"], name


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_random_tars(engines, first):
    for seed in range(first, first + 100):
        data = rawtar.Random(seed).tar()
        try:
            found = same(engines, data)
            if isinstance(found, dict):
                with contextlib.suppress(tarfile.TarError, ValueError):
                    check_with_tarfile(found, data)
        except AssertionError as e:
            raise AssertionError(f"seed {seed}: {e}") from e


SIZES = {"small": (10000, [(512, b"a" * 1024), (9728, b"z" * 272)]), "none": (5000, []), "all": (1024, [(0, b"x" * 1024)]),
         "huge": (1 << 40, [(1 << 30, b"h" * 4096), ((1 << 40) - (1 << 30), b"t" * 512)]),
         "many": (1 << 20, [(n * 8192, b"%d" % (n % 10) * 512) for n in range(100)]),
         "ends_empty": (8192, [(0, b"x" * 512), (8192, b"")])}


@pytest.mark.parametrize("form", ["old", "0.0", "0.1", "1.0"])
@pytest.mark.parametrize("name", sorted(SIZES))
def test_holes(engines, form, name):
    size, pieces = SIZES[name]
    one = rawtar.sparse_old(b"f", size, pieces) if form == "old" else rawtar.sparse_pax(b"f", size, pieces, form)
    data = one + rawtar.entry(b"behind", b"b") + bytes(1024)
    if form != "1.0" and form != "old" and not pieces:  # which says nothing of a map: readers disagree
        assert isinstance(same(engines, data), str)
        return
    found = same(engines, data)
    if name == "huge":  # two chunks' worth of a table, as its pieces are no multiples of more
        assert isinstance(found, str) and "holes of a kind that is not supported" in found
        return
    assert found[b"f"]["size"] == size and found[b"behind"]["size"] == 1
    check_with_tarfile(found, data)


def test_holes_cost_no_room(engines):
    """Not on the disk, and next to none in an index: as large chunks as the pieces let it have."""
    found = same(engines, rawtar.sparse_pax(b"f", 1 << 40, [(1 << 39, b"h" * (1 << 20))], "1.0") + bytes(1024))
    assert found[b"f"]["size"] == 1 << 40


FILE = rawtar.entry(b"f", b"x")
REFUSED = {
    "pax_of_2_MiB": (rawtar.pax([(b"comment", b"c" * (2 << 20))]) + FILE, "longer than 1048576 bytes"),
    "name_of_2_MiB": (rawtar.gnu_name(b"n" * (2 << 20)) + FILE, "longer than 1048576 bytes"),
    "link_of_2_MiB": (rawtar.gnu_name(b"n" * (2 << 20), b"K") + FILE, "longer than 1048576 bytes"),
    "pax_of_8_EiB": (rawtar.header(b"x", b"x", size=rawtar.base256(2 ** 63 - 513, 12)) + FILE, "longer than 1048576 bytes"),
    "size_of_8_EiB": (rawtar.header(b"f", size=rawtar.base256(2 ** 63 - 513, 12)), "Truncated"),
    "size_that_wraps": (rawtar.header(b"f", size=rawtar.base256(2 ** 63 - 1, 12)), "a size that cannot be"),
    "size_below_0": (rawtar.header(b"f", size=rawtar.base256(-512, 12)) + FILE, "a size that cannot be"),
    "300_attributes": (rawtar.pax([(b"SCHILY.xattr.user.%d" % n, b"v") for n in range(300)]) + FILE, "more than 256"),
    "attributes_of_70_KB": (rawtar.pax([(b"SCHILY.xattr.user.a", b"v" * 70000)]) + FILE, "too long"),
    "attribute_with_a_long_name": (rawtar.pax([(b"SCHILY.xattr.user." + b"n" * 300, b"v")]) + FILE, "too long"),
    "70000_pieces": (rawtar.sparse_pax(b"f", 1 << 30, [(n * 1024, b"") for n in range(70000)], "1.0"), "not supported"),
    "list_without_end": (rawtar.pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"),
                                     (b"GNU.sparse.realsize", b"512")]) + rawtar.entry(b"f", b"1" * 5120), "damaged"),
    "piece_of_half_a_block": (rawtar.sparse_old(b"f", 4096, [(512, b"x" * 100), (1024, b"y" * 512)]), "not supported"),
    "form_of_holes_1.1": (rawtar.sparse_pax(b"f", 1024, [(0, b"x" * 512)], "1.1"), "not supported"),
    "directory_with_holes": (rawtar.sparse_pax(b"d/", 1024, [(0, b"x" * 512)], "0.0"), "not supported"),
    "two_names": (rawtar.gnu_name(b"a") + rawtar.pax([(b"path", b"b")]) + FILE, "cannot be read"),
    "two_pax_headers": (rawtar.pax([(b"path", b"a")]) + rawtar.pax([(b"path", b"b")]) + FILE, "two extended headers"),
    "name_with_a_NUL": (rawtar.pax([(b"path", b"a\0b")]) + FILE, "cannot be read"),
    "owner_of_32_ones": (rawtar.entry(b"f", uid=rawtar.base256(2 ** 32 - 1, 8)), "an owner that cannot be"),
    "device_beyond_the_kernel": (rawtar.entry(b"d", b"", b"3", major=4096), "a device number that cannot be"),
    "wrong_sum": (rawtar.entry(b"f", sum=b"0000001\0"), "no tar"),
    "wrong_sum_later": (FILE + rawtar.entry(b"g", sum=b"0000001\0"), "a wrong checksum"),
    "file_in_the_place_of_the_root": (rawtar.entry(b"/", b"x", b"6"), "without a name"),
    "type_of_none": (rawtar.entry(b"f", b"", b"Z"), "a type of file no layer can have"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(engines, name):
    data, sentence = REFUSED[name]
    found = same(engines, data + bytes(1024))
    assert isinstance(found, str) and sentence in found, found


def zstd(data):
    lib = ctypes.CDLL("libzstd.so.1")
    lib.ZSTD_compress.restype = lib.ZSTD_compressBound.restype = ctypes.c_size_t
    packed = ctypes.create_string_buffer(lib.ZSTD_compressBound(ctypes.c_size_t(len(data))))
    n = lib.ZSTD_compress(packed, ctypes.c_size_t(len(packed)), data, ctypes.c_size_t(len(data)), 3)
    return packed.raw[:n]


PLAIN = rawtar.entry(b"f", os.urandom(70000)) + rawtar.entry(b"d", b"", b"5") + bytes(1024)
PACKED = {
    "gzip": (gzip.compress(PLAIN), True), "zstd": (zstd(PLAIN), True), "xz": (lzma.compress(PLAIN), True),
    "gzip_members": (gzip.compress(PLAIN[:1000]) + gzip.compress(b"") + gzip.compress(PLAIN[1000:]), True),
    "zstd_frames": (zstd(PLAIN[:1000]) + zstd(PLAIN[1000:]), True),
    "gzip_junk": (gzip.compress(PLAIN) + b"junk behind it", True),
    "gzip_zeros": (gzip.compress(PLAIN) + bytes(1000), True),
    "gzip_cut": (gzip.compress(PLAIN)[:-30000], False), "gzip_cut_trailer": (gzip.compress(PLAIN)[:-4], False),
    "gzip_bad_sum": (gzip.compress(PLAIN)[:-8] + b"\0\0\0\0" + gzip.compress(PLAIN)[-4:], False),
    "gzip_cut_member": (gzip.compress(PLAIN) + gzip.compress(b"x" * 100)[:-9], False),
    "zstd_cut": (zstd(PLAIN)[:-30000], False), "zstd_cut_end": (zstd(PLAIN)[:-1], False),
    "xz_cut": (lzma.compress(PLAIN)[:-100], False),
}


@pytest.mark.parametrize("name", sorted(PACKED))
def test_packed(engines, name):
    data, good = PACKED[name]
    found = same(engines, data, PLAIN)
    assert isinstance(found, dict) == good, found
    if good:
        check_with_tarfile(found, PLAIN)


SCRIPT = """cd / && find . -xdev \\( -path ./proc -o -path ./sys -o -path ./dev -o -path ./bin -o -path ./etc \\) -prune -o \
-exec stat -c '%n|%F|%a|%u|%g|%h|%t:%T' {} \\; | grep -v '|directory|.*|[0-9]*|0:0$' | sort; find a b c d p -type d | sort;
find a b c d p -type f | sort | xargs -r md5sum"""


def below():
    layer = image.Layer()
    for one in "abcd":
        layer.dir(one).dir(f"{one}/a").add(f"{one}/b", b"lower").add(f"{one}/a/c", b"lower").symlink(f"{one}/d", "b")
    return layer.bytes()


def seen_by_a_container(engine, layers):
    done = engine.cleat("load", text=False, input=image.docker_archive(["two:1"], layers), check=False)
    if done.returncode:
        return done.stderr
    out = engine.cleat("run", "--rm", "--network", "none", "two:1", "sh", "-c", SCRIPT, check=False, text=False).stdout
    engine.out("rmi", "two:1")
    return out


@pytest.mark.parametrize("first", range(1000, 1120, 40))
def test_what_containers_see(engines, first):
    """The same with a layer below, whose files whiteouts are about."""
    base = [image.busybox_layer(), below()]
    for seed in range(first, first + 40):
        layers = [*base, rawtar.Random(seed).tar()]
        erofs, dir_ = (seen_by_a_container(engines[d], layers) for d in DRIVERS)
        assert erofs == dir_, f"seed {seed}"
