# SPDX-License-Identifier: Apache-2.0
"""push: what goes out is what came in, as other tools see it."""
import gzip
import http.server
import json
import signal
import subprocess
import threading
import uuid

import harness
import image
import inventory
import pytest
import registries
import tcpproxy
import tokens

pytestmark = pytest.mark.layer_drivers

MIB = 1 << 20
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two plain registries; the first has team/x:1 of two layers, made by skopeo."""
    with registries.Registry() as a, registries.Registry() as b:
        layers = [image.busybox_layer(), image.Layer().add("more", b"m" * 5000).bytes()]
        a.skopeo_push(registries.archive_file(tmp_path_factory.mktemp("archive"), layers), "team/x:1")
        yield a, b


def digest_of_skopeo(registry, name):
    return registries.skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}",
                             f"docker://{registry.host}/{name}").strip()


def test_round_trip_keeps_the_digest(engine, two):
    a, b = two
    digest, manifest = a.manifest("team/x", "1")
    engine.out("pull", "-q", f"{a.host}/team/x:1")
    copy = "copy" + "".join(filter(str.isalnum, engine.root.name.lower()))
    name = f"{b.host}/{copy}:2"
    engine.out("tag", f"{a.host}/team/x:1", name)
    done = engine.cleat("push", name)
    assert done.stdout == f"2: digest: {digest} size: {len(manifest)}\n"
    lines = done.stderr.splitlines()
    assert lines[0] == f"The push refers to repository [{b.host}/{copy}]"
    assert sum(line.endswith(": Pushed") for line in lines) == 2
    assert b.manifest(copy, "2") == (digest, manifest)
    assert digest_of_skopeo(b, f"{copy}:2") == digest
    assert json.loads(engine.out("image", "inspect", name))[0]["RepoDigests"] == sorted(
        [f"{a.host}/team/x@{digest}", f"{b.host}/{copy}@{digest}"])
    # again: nothing goes over the wire twice
    assert sum(line.endswith(": Layer already exists") for line in engine.cleat("push", name).stderr.splitlines()) == 2
    assert engine.out("push", "-q", name) == name
    # to a repository of the same registry: mounted
    engine.out("tag", name, f"{b.host}/other/{copy}:1")
    lines = engine.cleat("push", f"{b.host}/other/{copy}:1").stderr.splitlines()
    assert sum(line.endswith(f": Mounted from {copy}") for line in lines) == 2
    assert b.manifest(f"other/{copy}", "1")[0] == digest


def test_annotations_of_others_survive(engine, two):
    """A manifest with fields cleat knows nothing of, and a zstd layer."""
    a, b = two
    layer, conf = image.busybox_layer(), image.config([image.busybox_layer()])
    packed = subprocess.run(["zstd", "-q", "-c"], input=layer, capture_output=True, check=True).stdout
    document = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "annotations": {"org.example.note": "keep me"},
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(conf),
                   "digest": a.put_blob("odd/x", conf)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "size": len(packed),
                    "digest": a.put_blob("odd/x", packed), "annotations": {"io.other": "y"}}]}, indent=3).encode()
    digest = a.put_manifest("odd/x", "1", document, MANIFEST)
    assert engine.out("run", "--rm", f"{a.host}/odd/x:1", "echo", "ok") == "ok"
    engine.out("tag", f"{a.host}/odd/x:1", f"{b.host}/odd/x:1")
    engine.out("push", "-q", f"{b.host}/odd/x:1")
    assert b.manifest("odd/x", "1") == (digest, document)


def test_a_blob_that_never_came(engine, two):
    """The layer was here before the image was pulled, so its blob was not fetched: where nobody has that, the
    image goes out with a manifest of what is here."""
    a, b = two
    engine.load_busybox()
    digest, _ = a.manifest("team/x", "1")
    assert "Already exists" in engine.cleat("pull", f"{a.host}/team/x:1").stderr
    copy = f"partly/{''.join(filter(str.isalnum, engine.root.name.lower()))}"
    engine.out("tag", f"{a.host}/team/x:1", f"{a.host}/{copy}:1")
    engine.out("push", "-q", f"{a.host}/{copy}:1")
    assert a.manifest(copy, "1")[0] == digest  # mounted
    engine.out("tag", f"{a.host}/team/x:1", f"{b.host}/{copy}:1")
    engine.out("push", "-q", f"{b.host}/{copy}:1")
    identity = engine.out("images", "-q", "--no-trunc", f"{b.host}/{copy}:1")
    other, document = b.manifest(copy, "1")
    assert json.loads(document)["config"]["digest"] == identity
    engine.out("push", "-q", f"{b.host}/{copy}:1")
    assert b.manifest(copy, "1")[0] == other


@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_loaded_images(engine, two, kind, tmp_path):
    """A docker-save archive has plain tars: they are compressed once. An OCI archive's blobs go out as they came."""
    _, b = two
    layers = [image.busybox_layer(), image.Layer().add("more", b"m" * 5000).bytes()]
    data = image.docker_archive(["x:1"], layers) if kind == "docker" else image.oci_archive("x:1", layers)
    engine.cleat("load", text=False, input=data)
    name = f"{b.host}/loaded/{kind}:1"
    engine.out("tag", "x:1", name)
    engine.out("push", "-q", name)
    digest, document = b.manifest(f"loaded/{kind}", "1")
    described = json.loads(document)
    assert described["config"]["digest"] == engine.out("image", "inspect", "-f", "{{.Id}}", name)
    for layer, packed in zip(layers, described["layers"]):
        data = b.blob_path(packed["digest"]).read_bytes()
        assert len(data) == packed["size"] and gzip.decompress(data) == layer
    if kind == "oci":
        assert image.sha256(gzip.compress(layers[0], 1, mtime=0)) == described["layers"][0]["digest"][7:]
    registries.skopeo("copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"dir:{tmp_path}/out")
    # the same again is the same, and an image removed leaves nothing of all that
    engine.out("push", "-q", name)
    assert b.manifest(f"loaded/{kind}", "1")[0] == digest
    engine.out("rmi", "-f", engine.out("images", "-q").split()[0])
    assert not any((engine.state / "blobs/sha256").iterdir())
    # and back
    assert engine.out("run", "--rm", name, "wc", "-c", "/more") == "5000 /more"


def test_layers_that_are_compressed_side_by_side(engine, two):
    """Each is where it belongs, also one that is there twice; the manifest is the same wherever it is made."""
    _, b = two
    layers = [image.Layer().add(f"file{i % 5}", bytes([i % 5]) * 100000 * (9 - i)).bytes() for i in range(5)]
    layers += [layers[1], image.busybox_layer()]
    digests = set()
    for _ in range(2):
        engine.cleat("load", text=False, input=image.docker_archive(["side:1"], layers))
        engine.out("tag", "side:1", f"{b.host}/side:1")
        engine.out("push", "-q", f"{b.host}/side:1")
        digest, document = b.manifest("side", "1")
        digests.add(digest)
        sent = [gzip.decompress(b.blob_path(d["digest"]).read_bytes()) for d in json.loads(document)["layers"]]
        assert sent == layers
        engine.out("rmi", "side:1", f"{b.host}/side:1")
        assert not any((engine.state / "blobs/sha256").iterdir())
    assert len(digests) == 1


def test_push_that_is_cancelled_while_it_compresses(engine, two):
    _, b = two
    layers = [registries.big_layer(24, seed) for seed in (1, 2, 3)]
    engine.cleat("load", text=False, input=image.docker_archive(["slow:1"], layers))
    engine.out("tag", "slow:1", f"{b.host}/slow:1")
    process = engine.popen("push", "-q", f"{b.host}/slow:1", stderr=subprocess.DEVNULL)

    def has_a_layer():
        tmp = engine.state / "tmp"
        return any(name.startswith("layer-") for lease in inventory.names(tmp) for name in inventory.names(tmp / lease))

    # whose lease may go while it is looked at, when the push has ended
    harness.wait_until(lambda: has_a_layer() or process.poll() is not None, 60, "a layer")
    process.send_signal(signal.SIGINT)
    process.wait(60)
    harness.wait_until(lambda: not any(engine.state.glob("tmp/*")), 60, "the end of the lease")
    engine.out("push", "-q", f"{b.host}/slow:1")
    sent = json.loads(b.manifest("slow", "1")[1])["layers"]
    assert [gzip.decompress(b.blob_path(d["digest"]).read_bytes()) for d in sent] == layers


def test_image_of_a_container(engine, two):
    """What commit made goes out and comes back."""
    _, b = two
    engine.load_busybox()
    engine.out("run", "--name", "changed", "busybox", "sh", "-c", "echo changed > /new")
    name = f"{b.host}/committed/{''.join(filter(str.isalnum, engine.root.name.lower()))}:1"
    engine.out("commit", "changed", name)
    engine.out("push", "-q", name)
    engine.out("rm", "changed")
    engine.out("rmi", name, "busybox")
    assert engine.out("run", "--rm", name, "cat", "/new") == "changed"


def test_all_tags(engine, two):
    a, b = two
    engine.out("pull", "-q", f"{a.host}/team/x:1")
    for tag in ("one", "two"):
        engine.out("tag", f"{a.host}/team/x:1", f"{b.host}/all/x:{tag}")
    lines = engine.out("push", "-a", f"{b.host}/all/x").splitlines()
    assert [line.split(":")[0] for line in lines] == ["one", "two"]
    assert json.loads(b.ask("GET", "/v2/all/x/tags/list")[2])["tags"] == ["one", "two"]
    engine.out("rmi", f"{b.host}/all/x:one", f"{b.host}/all/x:two")
    assert engine.out("pull", "-aq", f"{b.host}/all/x").splitlines() == [f"{b.host}/all/x:one", f"{b.host}/all/x:two"]


def test_push_of_another_platform(busybox, two):
    repository = f"platform-{uuid.uuid4().hex}"  # the registry is one for all drivers
    name = f"{two[0].host}/for/{repository}:1"
    busybox.out("tag", "busybox", name)
    done = busybox.cleat("push", "--platform", "linux/arm64", name, check=False)
    assert done.returncode == 1 and "wanted linux/arm64, actual: linux/amd64" in done.stderr
    assert two[0].ask("GET", f"/v2/for/{repository}/tags/list")[0] == 404
    busybox.out("push", "--platform", "linux/amd64", name)


def test_what_cannot_be_pushed(busybox, two):
    _, b = two
    done = busybox.cleat("push", f"{b.host}/none:1", check=False)
    assert done.returncode == 1
    assert f"An image does not exist locally with the tag: {b.host}/none" in done.stderr
    done = busybox.cleat("push", f"{b.host}/none@sha256:{'0' * 64}", check=False)
    assert done.returncode == 1 and "cannot push a digest reference" in done.stderr


def big_image(engine, name):
    engine.cleat("load", text=False, input=image.docker_archive([name], [image.busybox_layer(),
                                                                          registries.big_layer(20, 7)]))


class Backwards(tcpproxy.Proxy):
    """Harms what the client sends instead."""

    def pump(self, source, target, from_server):
        super().pump(source, target, not from_server)


def test_cut_uploads_are_resumed(engine):
    with registries.Registry() as r, Backwards(r.port, cut=18 * MIB, times=2) as proxy:
        big_image(engine, f"{proxy.host}/big:1")
        engine.out("push", "-q", f"{proxy.host}/big:1")
        assert proxy.harmed >= 1
        assert engine.out("pull", "-q", f"{r.host}/big:1")
        assert proxy.sent < 90 * MIB


def test_resets_of_every_request(busybox):
    with registries.Registry() as r, tcpproxy.Proxy(r.port, resets=2) as proxy:
        busybox.out("tag", "busybox", f"{proxy.host}/resets/x:1")
        busybox.out("push", "-q", f"{proxy.host}/resets/x:1")
        methods = {request.split()[0] for request in proxy.seen}
        assert methods == {b"HEAD", b"POST", b"PUT", b"GET"} and min(proxy.seen.values()) >= 3, proxy.seen
        busybox.out("pull", "-q", f"{r.host}/resets/x:1")


def test_registry_killed_during_a_push(engine):
    with registries.Registry() as r, Backwards(r.port, stall=4 * MIB) as proxy:
        name = f"{proxy.host}/big:1"
        big_image(engine, name)
        process = engine.popen("push", "-q", name, stderr=subprocess.PIPE)
        harness.wait_until(lambda: proxy.harmed, what="a part of the upload")
        r.kill()
        assert process.wait(60) == 1
        assert b"cleat: " in process.stderr.read()
        engine.expect_no_work()
        r.start()
        proxy.stall = None
        engine.out("push", "-q", name)


def test_a_registry_that_is_never_done(busybox):
    """It takes the last chunk and asks for more: it gets an answer, and not the same chunk for ever."""
    asked = []

    class Never(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):  # pylint: disable=invalid-name
            self.send_error(404)

        def do_PUT(self):  # pylint: disable=invalid-name
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.path)
            self.send_response(202)
            self.send_header("Location", "/v2/x/blobs/uploads/1")
            self.end_headers()

        do_POST = do_PUT

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Never) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        name = f"127.0.0.1:{server.server_port}/x:1"
        busybox.out("tag", "busybox", name)
        done = busybox.cleat("push", name, check=False, timeout=60)
        server.shutdown()
    assert done.returncode == 1 and "push: the registry answered 202" in done.stderr
    assert len(asked) < 10


def test_push_with_tokens(engine, tmp_path, monkeypatch):
    """The token is for what is pushed and for what is mounted from."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with tokens.TokenServer(tmp_path, {"user": "secret"}) as server:
        with registries.Registry(auth=server.registry_auth()) as r:
            engine.load_busybox()
            name = f"{r.host}/a/x:1"
            engine.out("tag", "busybox", name)
            done = engine.cleat("push", name, check=False)
            assert done.returncode == 1 and "unauthorized" in done.stderr
            engine.cleat("login", "-u", "user", "--password-stdin", r.host, input="secret")
            engine.out("push", "-q", name)
            engine.out("tag", "busybox", f"{r.host}/b/x:1")
            server.given.clear()
            assert "Mounted from a/x" in engine.cleat("push", f"{r.host}/b/x:1").stderr
            assert server.given == [["repository:b/x:pull,push", "repository:a/x:pull"]]
