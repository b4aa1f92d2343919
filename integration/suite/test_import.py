# SPDX-License-Identifier: Apache-2.0
"""import: an image of a root filesystem's tar; export and import as a round trip."""
import gzip
import json
import lzma
import subprocess
import tarfile

import pytest

import gateway as gateways
import harness
import httpserver
import image
import registries

pytestmark = pytest.mark.layer_drivers


@pytest.fixture
def tar(tmp_path):
    path = tmp_path / "root.tar"
    path.write_bytes(image.busybox_layer())
    return path


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def test_file_and_stdin(engine, tar):
    made = engine.out("import", tar, "from/file:1")
    assert made.startswith("sha256:") and inspect(engine, "from/file:1")["Id"] == made
    assert engine.out("run", "--rm", "from/file:1", "echo", "hi") == "hi"
    engine.cleat("import", "-", "from/stdin", input=gzip.compress(tar.read_bytes(), 1), text=False)
    assert inspect(engine, "from/stdin")["RootFS"] == inspect(engine, "from/file:1")["RootFS"]
    nameless = engine.out("import", tar)
    assert inspect(engine, nameless)["RepoTags"] == [] and len(list((engine.state / "layers").iterdir())) == 1


def test_options(engine, tar):
    engine.out("import", "-c", "CMD [\"echo\", \"by default\"]", "-c", "ENV A=1", "-m", "a message", "--platform",
               "linux/arm64/v8", tar, "it")
    details = inspect(engine, "it")
    assert (details["Comment"], details["Architecture"], details["Os"]) == ("a message", "arm64", "linux")
    assert details["Config"]["Cmd"] == ["echo", "by default"] and details["Config"]["Env"] == ["A=1"]
    assert engine.out("history", "--format", "{{.Comment}}", "it") == "a message"
    assert engine.out("run", "--rm", "it") == "by default"


@pytest.mark.parametrize("arguments,sentence", [
    (["/absent.tar"], "No such file"), (["{tar}", "UPPER"], "must be lowercase"), (["-c", "RUN x", "{tar}"], "RUN"),
    (["/etc/passwd"], "no tar"), (["http://127.0.0.1:1/x"], "fetch http://127.0.0.1:1/x"), (["-"], "empty"),
])
def test_wrong_input(engine, tar, arguments, sentence):
    arguments = [a.replace("{tar}", str(tar)) for a in arguments]
    done = engine.cleat("import", *arguments, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and sentence in done.stderr, done.stderr
    assert not engine.out("images", "-aq")
    engine.expect_no_work()
    assert not list((engine.state / "layers").iterdir())


class Files(httpserver.HttpServer):
    """Has what it is given by path."""

    def __init__(self, files):
        self.files = files
        super().__init__()

    def answer(self, handler):
        body = self.files.get(handler.path)
        handler.send_response(200 if body is not None else 404)
        handler.end_headers()
        handler.wfile.write(body or b"")


def test_url(engine, tar):
    whole = tar.read_bytes()
    with Files({"/r.tar": whole, "/r.tgz": gzip.compress(whole, 1), "/cut.tgz": gzip.compress(whole, 1)[:-5000],
                "/text": b"text", "/bad.tar": image.Layer().add("../x").bytes()}) as server:
        made = engine.out("import", "-c", "CMD echo by url", "-m", "a message", f"http://{server.host}/r.tar", "by/url:1")
        assert engine.out("run", "--rm", "by/url:1") == "by url" and inspect(engine, made)["Comment"] == "a message"
        made = engine.out("import", f"http://{server.host}/r.tgz")
        assert inspect(engine, made)["Comment"] == f"Imported from http://{server.host}/r.tgz"
        assert len(list((engine.state / "layers").iterdir())) == 1
        for path, sentence in ("none", "404"), ("text", "no tar"), ("cut.tgz", "runcated"), ("bad.tar", "leads out"):
            done = engine.cleat("import", f"http://{server.host}/{path}", "by/url:2", check=False)
            assert done.returncode == 1 and sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert len(list((engine.state / "layers").iterdir())) == 1
        engine.expect_no_work()
        g = gateways.Gateway(engine)
        try:
            done = g.docker("import", f"http://{server.host}/r.tgz", "by/docker:url")
            assert done.returncode == 0 and "sha256:" in done.stdout, done
            assert engine.out("run", "--rm", "by/docker:url", "echo", "hi") == "hi"
            assert inspect(engine, "by/docker:url")["Comment"] == f"Imported from http://{server.host}/r.tgz"
        finally:
            g.close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_what_was_imported_goes_out_again(engine, tar, tmp_path, pack):
    """However it came: the tar is there, by its digest."""
    engine.cleat("import", "-", "packed:1", input=pack(tar.read_bytes()), text=False)
    engine.out("save", "-o", tmp_path / "out.tar", "packed:1")
    with tarfile.open(tmp_path / "out.tar") as saved:
        names = json.load(saved.extractfile("manifest.json"))[0]["Layers"]
        assert [saved.extractfile(n).read() for n in names] == [tar.read_bytes()]
    with registries.Registry() as registry:
        engine.out("tag", "packed:1", f"{registry.host}/packed:1")
        engine.out("push", f"{registry.host}/packed:1")
        engine.out("rmi", "packed:1", f"{registry.host}/packed:1")
        engine.out("pull", f"{registry.host}/packed:1")
        assert engine.out("run", "--rm", f"{registry.host}/packed:1", "echo", "hi") == "hi"


def test_export_and_import(busybox, tmp_path):
    busybox.out("run", "--name", "box", "busybox", "sh", "-c", "echo x > /new; chmod 4755 /new; mkdir /d; ln /new /d/twin")
    busybox.out("export", "-o", tmp_path / "out.tar", "box")
    busybox.out("import", tmp_path / "out.tar", "flat")
    script = "cat /d/twin; stat -c '%a %h' /new"
    assert busybox.out("run", "--rm", "flat", "sh", "-c", script) == "x\n4755 2"
    assert len(inspect(busybox, "flat")["RootFS"]["Layers"]) == 1


def test_by_docker(engine, tar):
    g = gateways.Gateway(engine)
    try:
        done = g.docker("import", "-m", "hello", "-c", "CMD [\"echo\", \"d\"]", str(tar), "by/docker:1")
        assert done.returncode == 0 and done.stdout.startswith("sha256:"), done
        assert engine.out("run", "--rm", "by/docker:1") == "d" and inspect(engine, "by/docker:1")["Comment"] == "hello"
        done = g.docker("import", "/etc/passwd", "x")
        assert done.returncode == 1 and "no tar" in done.stderr
    finally:
        g.close()
