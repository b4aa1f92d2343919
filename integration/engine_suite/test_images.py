# SPDX-License-Identifier: Apache-2.0
"""load, images, tag, rmi, inspect; and every archive that must be refused."""
import hashlib
import io
import json
import tarfile

import image
import pytest


def load(engine, data, check=True):
    return engine.cleat("load", text=False, input=data, check=check)


def test_load_tag_rmi(engine):
    out = load(engine, image.docker_archive(["a/b:1", "c:latest"])).stdout.decode()
    assert "Loaded image: a/b:1" in out and "Loaded image: c:latest" in out
    engine.out("tag", "c", "d:2")
    rows = {tuple(line.split()[:2]) for line in engine.out("images").splitlines()[1:]}
    assert rows == {("a/b", "1"), ("c", "latest"), ("d", "2")}
    assert engine.out("rmi", "d:2") == "Untagged: d:2"
    engine.out("rmi", "a/b:1", "c")
    assert engine.out("images", "-q") == ""
    assert not any((engine.state / "layers").iterdir())


def test_load_oci_archive(engine):
    load(engine, image.oci_archive("oci:v1"))
    assert engine.out("run", "--rm", "oci:v1", "echo", "ok") == "ok"


def test_inspect(engine):
    load(engine, image.docker_archive(["i:1"], Env=["A=B"], User="web", Labels={"k": "v"}))
    details = json.loads(engine.out("inspect", "i:1"))[0]
    assert details["RepoTags"] == ["i:1"]
    assert details["Config"]["User"] == "web"
    assert details["Config"]["Labels"] == {"k": "v"}
    assert engine.out("run", "--rm", "i:1", "id", "-un") == "web"


def test_layers_are_stacked_with_whiteouts(engine):
    top = image.Layer()
    top.add("etc/.wh.group").dir("opaque").add("opaque/.wh..wh..opq").add("opaque/new", b"n")
    middle = image.Layer().dir("opaque").add("opaque/old", b"o")
    load(engine, image.docker_archive(["w:1"], [image.busybox_layer(), middle.bytes(), top.bytes()]))
    assert engine.out("run", "--rm", "w:1", "sh", "-c", "ls /opaque; ls /etc").split() == ["new", "passwd"]


def test_image_in_use(busybox):
    busybox.out("create", "--name", "user", "busybox")
    done = busybox.cleat("rmi", "busybox", check=False)
    assert done.returncode == 1 and "in use" in done.stderr.lower() or "using" in done.stderr.lower()


def hostile(build):
    layer = image.Layer()
    build(layer)
    return image.docker_archive(["bad:1"], [layer.bytes()])


def lying_config():
    data = image.busybox_layer()
    conf = json.loads(image.config([data]))
    conf["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
    return image.docker_archive(["bad:1"], [data], json.dumps(conf).encode())


def too_few_diff_ids():
    data = image.busybox_layer()
    conf = json.loads(image.config([data]))
    conf["rootfs"]["diff_ids"] = []
    return image.docker_archive(["bad:1"], [data], json.dumps(conf).encode())


def oci_with_wrong_digest():
    raw = image.oci_archive("bad:1")
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(raw)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            data = old.extractfile(member).read()
            if member.size > 100_000:
                data = data[:-1] + bytes([data[-1] ^ 1])
            new.addfile(member, io.BytesIO(data))
    return out.getvalue()


def no_manifest():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("hello")
        tar.addfile(info)
    return out.getvalue()


REFUSED = {
    "dotdot": lambda: hostile(lambda l: l.add("../escaped", b"x")),
    "deep_dotdot": lambda: hostile(lambda l: l.add("a/../../escaped", b"x")),
    "device": lambda: hostile(lambda l: l.add("dev-sda", kind=tarfile.BLKTYPE, major=8)),
    "through_a_link": lambda: hostile(lambda l: l.symlink("d", "/tmp").add("d/escaped", b"x")),
    "hardlink_out": lambda: hostile(lambda l: l.add("h", kind=tarfile.LNKTYPE, link="../../../../etc/passwd")),
    "config_lies": lying_config,
    "config_has_too_few_layers": too_few_diff_ids,
    "digest_mismatch": oci_with_wrong_digest,
    "no_manifest": no_manifest,
    "cut": lambda: image.docker_archive(["bad:1"])[:200_000],
    "garbage": lambda: bytes(range(256)) * 40,
    "empty": lambda: b"",
    "bad_tag": lambda: image.docker_archive(["Bad//name:1"]),
    "huge_name": lambda: image.docker_archive(["x" * 65536 + ":1"]),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_archives_change_nothing(engine, name):
    done = load(engine, REFUSED[name](), check=False)
    text = done.stderr.decode()
    assert done.returncode == 1, text
    assert text.startswith("cleat: ") and text.count("\n") == 1, text
    assert engine.out("images", "-aq") == ""
    for folder in ("layers", "tmp"):
        assert not (engine.state / folder).exists() or not any((engine.state / folder).iterdir()), folder
    load(engine, image.docker_archive(["good:1"]))
    assert engine.out("run", "--rm", "good:1", "echo", "fine") == "fine"


def test_same_content_twice_is_one_image(engine):
    data = image.docker_archive(["t:1"])
    load(engine, data)
    load(engine, data)
    assert len(engine.out("images", "-q").split()) == 1
    assert hashlib.sha256(b"").hexdigest() not in engine.out("images", "--no-trunc", "-q")
