# SPDX-License-Identifier: Apache-2.0
"""Registries and images that lie, and platforms: each gets one clear error, and nothing stays."""
import gzip
import json
import os

import harness
import httpserver
import image
import pytest
import registries

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@pytest.fixture(scope="module")
def registry():
    with registries.Registry() as r:
        yield r


def put_image(registry, name, tag, layers=None, conf=None, **changes):
    """Puts an image whose manifest is changed by `changes`; its descriptor."""
    layers = layers if layers is not None else [image.busybox_layer()]
    conf = conf or image.config(layers)
    packed = [gzip.compress(layer, 1, mtime=0) for layer in layers]
    document = {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "size": len(conf), "digest": registry.put_blob(name, conf)},
                "layers": [{"mediaType": LAYER, "size": len(p), "digest": registry.put_blob(name, p)} for p in packed],
                **changes}
    data = json.dumps(document).encode()
    return {"mediaType": MANIFEST, "size": len(data), "digest": registry.put_manifest(name, tag, data, MANIFEST)}


def refused(engine, name, sentence):
    done = engine.cleat("pull", name, check=False)
    assert done.returncode == 1 and sentence in done.stderr, done.stderr
    assert engine.out("images", "-q") == ""
    assert not any((engine.state / "layers").iterdir())
    engine.expect_no_work()


def test_index(engine, registry):
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    foreign = json.loads(image.config([image.busybox_layer()]))
    foreign.update(architecture="s390x", os="linux")
    entries = [{**put_image(registry, "many", "own"), "platform": {"os": "linux", "architecture": machine}},
               {**put_image(registry, "many", "s390x", conf=json.dumps(foreign).encode()),
                "platform": {"os": "linux", "architecture": "s390x"}},
               {"mediaType": MANIFEST, "size": 5, "digest": "sha256:" + "1" * 64,
                "platform": {"os": "unknown", "architecture": "unknown"}}]
    # a registry checks what an index names: the attestation is one it has
    entries[2].update(digest=entries[0]["digest"], size=entries[0]["size"])
    document = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    digest = registry.put_manifest("many", "1", document, INDEX)
    name = f"{registry.host}/many:1"
    assert f"Digest: {digest}" in engine.out("pull", name)
    assert engine.out("run", "--rm", name, "echo", "ok") == "ok"
    assert (engine.state / "blobs/sha256" / digest[7:]).read_bytes() == document
    assert engine.out("image", "inspect", "-f", "{{.Architecture}}", name) == machine
    engine.out("pull", "-q", "--platform", "linux/s390x", name)
    assert engine.out("image", "inspect", "-f", "{{.Architecture}}", name) == "s390x"
    done = engine.cleat("pull", "--platform", "linux/mips", name, check=False)
    assert done.returncode == 1 and "no matching manifest for linux/mips" in done.stderr
    single = f"{registry.host}/many:s390x"
    for _ in "without it", "with it":
        done = engine.cleat("pull", "--platform", "linux/arm64", single, check=False)
        assert done.returncode == 1
        assert "does not match the specified platform: wanted linux/arm64, actual: linux/s390x" in done.stderr
        assert "Digest: " in engine.out("pull", "--platform", "linux/s390x", single)


def test_blob_that_was_changed(engine, registry):
    """The registry's own disk lies: what it sends is not what its digest says."""
    put_image(registry, "changed", "1", [image.Layer().add("f", b"1" * 9000).bytes()])
    _, manifest = registry.manifest("changed", "1")
    path = registry.blob_path(json.loads(manifest)["layers"][0]["digest"])
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    refused(engine, f"{registry.host}/changed:1", "what the registry sent has the digest sha256:")


def test_config_that_does_not_fit(engine, registry):
    other = image.config([image.Layer().add("x").bytes()])
    put_image(registry, "diff", "1", conf=other)
    refused(engine, f"{registry.host}/diff:1", "the config says sha256:")
    two = image.config([image.busybox_layer(), image.busybox_layer()])
    put_image(registry, "diff", "2", conf=two)
    refused(engine, f"{registry.host}/diff:2", "the config lists 2 layers, the manifest 1")
    put_image(registry, "diff", "3", conf=b"[]")
    refused(engine, f"{registry.host}/diff:3", "rootfs: expected an object")


def test_layer_that_is_none(engine, registry):
    conf = json.loads(image.config([image.busybox_layer()]))
    put_image(registry, "none", "1", [b"this is no tar"], json.dumps(conf).encode())
    refused(engine, f"{registry.host}/none:1", "Truncated tar archive")
    evil = image.Layer().add("../outside", b"x").bytes()
    put_image(registry, "none", "2", [evil])
    refused(engine, f"{registry.host}/none:2", "outside")


def test_things_that_are_no_images(engine, registry):
    chart = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "size": 2, "digest": registry.put_blob("odd", b"{}")}
    put_image(registry, "odd", "chart", config=chart)
    refused(engine, f"{registry.host}/odd:chart", "it is no image: its config is of type")


class Liar(httpserver.HttpServer):
    """A server that answers each path with what it is given: (status, headers, chunks), or a function of the
    request that returns those."""

    def __init__(self, answers):
        self.answers = answers
        super().__init__()

    def answer(self, handler):
        answer = self.answers.get(handler.path, (404, {}, [b"{}"]))
        status, headers, chunks = answer(handler) if callable(answer) else answer
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            for chunk in chunks:
                handler.wfile.write(chunk)
        except OSError:
            pass


def test_manifest_of_100_mib(engine):
    with Liar({"/v2/x/manifests/1": (200, {"Content-Type": MANIFEST}, (b"[" * (1 << 20) for _ in range(100)))}) as liar:
        refused(engine, f"{liar.host}/x:1", "it is longer than 4194304 bytes")


def test_manifest_that_is_another(engine):
    digest = "sha256:" + "a" * 64
    good = json.dumps({"schemaVersion": 2, "config": {"mediaType": CONFIG, "size": 2, "digest": digest}, "layers": []})
    with Liar({f"/v2/x/manifests/{digest}": (200, {"Content-Type": MANIFEST}, [good.encode()])}) as liar:
        refused(engine, f"{liar.host}/x@{digest}", f"what the registry sent as {digest} has the digest sha256:")


@pytest.mark.parametrize("document, sentence", [
    (b"{}", "expected either layers or manifests"),
    (b"<html>", "manifest: "),
    (b'{"schemaVersion": 1, "fsLayers": []}', "schema 1 is not supported"),
    (b'{"layers": [], "config": {"digest": "sha256:../../../etc/passwd", "size": 1}}', "config: digest"),
])
def test_bad_manifests(engine, document, sentence):
    with Liar({"/v2/x/manifests/1": (200, {"Content-Type": MANIFEST}, [document])}) as liar:
        refused(engine, f"{liar.host}/x:1", sentence)


def test_a_blob_that_was_promised_longer(engine, registry):
    """What one registry sent too much of a blob is not part of what another one completes."""
    layer = image.Layer().add("f", os.urandom(5000)).bytes()
    put_image(registry, "promised", "1", [layer])
    _, manifest = registry.manifest("promised", "1")
    document = json.loads(manifest)
    blob, config = document["layers"][0], document["config"]
    whole = registry.blob_path(blob["digest"]).read_bytes()
    blob["size"] += 1000
    with Liar({"/v2/x/manifests/1": (200, {"Content-Type": MANIFEST}, [json.dumps(document).encode()]),
               f"/v2/x/blobs/{config['digest']}": (200, {}, [registry.blob_path(config["digest"]).read_bytes()]),
               f"/v2/x/blobs/{blob['digest']}": lambda request: (206, {"Content-Range": "bytes 0-5999/6000"},
                                                                 [whole + b"more"])}) as liar:
        refused(engine, f"{liar.host}/x:1", "the registry ended after")
    engine.out("pull", f"{registry.host}/promised:1")
    assert (engine.state / "blobs/sha256" / blob["digest"][7:]).read_bytes() == whole


def test_redirects_do_not_carry_credentials(engine, tmp_path, monkeypatch):
    """A redirect to another host is followed without the header; one to a file is not followed at all."""
    seen, target = [], {}

    def note(request):
        seen.append((request.path, request.headers.get("Authorization")))
        return 404, {}, []

    def redirect(request):
        if not request.headers.get("Authorization"):
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, []
        note(request)
        return 307, {"Location": f"http://{target['host']}/y"}, []

    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Liar({"/y": note}) as other, Liar({"/v2/x/manifests/1": redirect}) as liar:
        target["host"] = other.host
        (tmp_path / "config.json").write_text(json.dumps({"auths": {liar.host: {"auth": "dTpw"}}}))
        assert engine.cleat("pull", f"{liar.host}/x:1", check=False).returncode == 1
    assert seen == [("/v2/x/manifests/1", "Basic dTpw"), ("/y", None)]
    with Liar({"/v2/x/manifests/1": (307, {"Location": "file:///etc/passwd"}, [])}) as liar:
        refused(engine, f"{liar.host}/x:1", "file")


def one_layer_image(ranged):
    """Answers of a registry that has x:1 with one layer, with `ranged` for a Range; the layer's bytes, and what of
    them was asked for."""
    layer, asked = image.busybox_layer(), []
    conf, packed = image.config([layer]), gzip.compress(layer, 1, mtime=0)
    config, blob = [{"mediaType": kind, "size": len(data), "digest": "sha256:" + image.sha256(data)}
                    for data, kind in ((conf, CONFIG), (packed, LAYER))]

    def answer(handler):
        asked.append(handler.headers["Range"])
        status, headers = ranged if asked[-1] else (200, {})
        return status, {**headers, "Content-Length": str(len(packed))}, [packed]

    document = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [blob]}).encode()
    return {"/v2/x/manifests/1": (200, {"Content-Type": MANIFEST}, [document]),
            f"/v2/x/blobs/{config['digest']}": (200, {}, [conf]), f"/v2/x/blobs/{blob['digest']}": answer}, packed, asked


@pytest.mark.parametrize("status,told", [(206, "bytes 999999-1000000/1000001"), (206, "rubbish"), (416, "bytes */1")])
def test_a_part_that_the_registry_does_not_go_on_with(engine, status, told):
    answers, packed, asked = one_layer_image((status, {"Content-Range": told}))
    part = engine.state / "tmp/partial" / image.sha256(packed)
    # an engine makes the directory above when it looks for what others have left
    harness.wait_until(part.parent.parent.is_dir, what="the directory of work")
    part.parent.mkdir()
    part.write_bytes(packed[:100000])
    with Liar(answers) as liar:
        engine.out("pull", "-q", f"{liar.host}/x:1")
        assert asked == ["bytes=100000-", None]
        assert engine.out("run", "--rm", f"{liar.host}/x:1", "echo", "ok") == "ok"


def tags_page(tags, following=None):
    link = {"Link": f'</v2/x/tags/list?{following}>; rel="next"'} if following is not None else {}
    return 200, link, [json.dumps({"name": "x", "tags": tags}).encode()]


@pytest.mark.parametrize("pages,sentence", [
    ({"": tags_page(["1", "x/../../../y"])}, "tags[1] of the registry's list: expected a tag"),
    ({"": tags_page(["1"], 0), "?0": tags_page([], 0)}, "more than 1000 pages"),
])
def test_lists_of_tags(engine, pages, sentence):
    with Liar({f"/v2/x/tags/list{query}": page for query, page in pages.items()}) as liar:
        done = engine.cleat("pull", "-a", f"{liar.host}/x", check=False)
        assert done.returncode == 1 and sentence in done.stderr
