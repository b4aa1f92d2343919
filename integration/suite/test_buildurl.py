# SPDX-License-Identifier: Apache-2.0
"""Builds from URLs: ADD of files, contexts. The server is Python's own."""
import collections
import hashlib
import re
import socket
import struct
import subprocess
import sys
import tarfile

import pytest
from buildkit import build, fails, files, run, steps
from httpserver import HttpServer


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """(URL, folder) of a server."""
    folder = tmp_path_factory.mktemp("web")
    with subprocess.Popen([sys.executable, "-u", "-m", "http.server", "0", "-b", "127.0.0.1", "-d", folder],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        port = re.search(r" port (\d+) ", server.stdout.readline()).group(1)
        yield f"http://127.0.0.1:{port}", folder
        server.terminate()


def test_add_url(module_engine, web, tmp_path):
    url, folder = web
    files(folder, {"file.txt": "from the web"})
    with tarfile.open(folder / "x.tar", "w") as tar:
        tar.add(folder / "file.txt", arcname="inside")
    digest = hashlib.sha256(b"from the web").hexdigest()
    text = f"""
        FROM busybox
        ARG U={url}
        ADD $U/file.txt /dir/
        ADD --chmod=644 --checksum=sha256:{digest} $U/file.txt?x=y /named
        ADD $U/x.tar /kept.tar
        ADD --unpack=true $U/x.tar /unpacked
        """
    build(module_engine, tmp_path, text)
    assert run(module_engine, "cat", "/dir/file.txt", "/named", "/unpacked/inside") == "from the web" * 3
    assert run(module_engine, "stat", "-c", "%a %Y", "/dir/file.txt", "/named").split("\n")[:2] == ["600 0", "644 0"]
    assert run(module_engine, "tar", "tf", "/kept.tar") == "inside\n"
    assert all(s.cached for s in steps(build(module_engine, tmp_path, text))[1:])
    files(folder, {"file.txt": "other"})
    fails(module_engine, tmp_path, text, message="digest mismatch sha256:")
    fails(module_engine, tmp_path, f"FROM busybox\nADD {url}/none /x\n", message="invalid response status 404")
    fails(module_engine, tmp_path, f"FROM busybox\nADD {url}/ /x/\n", message="cannot determine filename")
    fails(module_engine, tmp_path, "FROM busybox\nADD https://example.com/a.git /x\n", message="no git repositories")
    fails(module_engine, tmp_path, f"FROM busybox\nADD --checksum=sha256:{digest} Dockerfile /x\n",
          message="checksum can't be specified")


class Faltering(HttpServer):
    """Each path has its trouble until it was asked `troubles` times."""
    body = b"x" * 100000

    def __init__(self, troubles):
        super().__init__()
        self.troubles, self.asked = troubles, collections.Counter()

    def answer(self, handler):
        self.asked[handler.path] += 1
        trouble = self.asked[handler.path] <= self.troubles
        if trouble and handler.path == "/busy":
            handler.send_response(503)
            handler.send_header("Retry-After", "0")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif trouble and handler.path == "/reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
        else:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.body)))
            handler.end_headers()
            handler.wfile.write(self.body[:1000] if trouble else self.body)


def test_a_server_that_falters_is_asked_again(module_engine, tmp_path):
    with Faltering(2) as server:
        build(module_engine, tmp_path, f"""
            FROM busybox
            ADD http://{server.host}/busy http://{server.host}/reset http://{server.host}/cut /
            """)
        assert run(module_engine, "sha256sum", "/busy", "/reset", "/cut").split()[::2] == \
            [hashlib.sha256(server.body).hexdigest()] * 3
        assert server.asked == {"/busy": 3, "/reset": 3, "/cut": 3}
    with Faltering(1000) as server:
        fails(module_engine, tmp_path, f"FROM busybox\nADD http://{server.host}/busy /x\n", message="response status 503")
        assert server.asked == {"/busy": 6}


def test_contexts(module_engine, web, tmp_path):
    url, folder = web
    files(tmp_path, {"in/Dockerfile": "FROM busybox\nCOPY f /f\n", "in/f": "remote context",
                     "in/Other": "FROM busybox\nCOPY f /g\n"})
    with tarfile.open(folder / "context.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "in", arcname=".")
    module_engine.out("build", "-t", "built", f"{url}/context.tar.gz")
    assert run(module_engine, "cat", "/f") == "remote context"
    module_engine.out("build", "-t", "built", "-f", "Other", f"{url}/context.tar.gz")
    assert run(module_engine, "cat", "/g") == "remote context"
    files(folder, {"Alone": "FROM busybox\nRUN echo alone > /a\n"})
    module_engine.out("build", "-t", "built", f"{url}/Alone")
    assert run(module_engine, "cat", "/a") == "alone\n"
    done = module_engine.cleat("build", f"{url}/nothing", check=False)
    assert done.returncode == 1 and "404" in done.stderr
    for context in ("https://example.com/a.git#main", "git@example.com:a", "git://example.com/a", "github.com/a/b"):
        done = module_engine.cleat("build", context, check=False)
        assert done.returncode == 1 and "no git repositories" in done.stderr, done
    done = module_engine.cleat("build", "--ssh", "default", ".", check=False)
    assert done.returncode == 1 and "--ssh: this release lets no build" in done.stderr
