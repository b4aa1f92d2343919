# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry for tests, each on a port and in a directory of its own, and images in it that
other tools made."""
import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import harness
import image


class Registry:
    """One `docker-registry serve`; a context manager that leaves nothing behind."""

    def __init__(self, address="127.0.0.1", scheme="http", tls=None, auth=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="cleat-registry-"))
        self.address, self.scheme = address, scheme
        self.tls, self.auth = tls, auth
        self.held = harness.reserved_port(address)
        self.port = self.held.getsockname()[1]
        self.host = f"{address}:{self.port}"
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        config = {"version": 0.1, "log": {"level": "warn"},
                  "storage": {"filesystem": {"rootdirectory": str(self.root / "data")}, "delete": {"enabled": True}},
                  "http": {"addr": self.host, **({"tls": self.tls} if self.tls else {})},
                  **({"auth": self.auth} if self.auth else {})}
        (self.root / "config.yml").write_text(json.dumps(config), encoding="utf-8")
        with open(self.root / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.root / "config.yml"], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, self.log()
                time.sleep(0.01)

    def log(self):
        return (self.root / "log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)
            self.process = None

    def close(self):
        self.kill()
        self.held.close()
        shutil.rmtree(self.root, ignore_errors=True)

    # ---- what is in it

    def ask(self, method, path, headers=None, body=None):
        connection = http.client.HTTPConnection(self.address, self.port, timeout=30)
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply.status, reply.headers, data

    def manifest(self, name, tag):
        """(digest, bytes) of what the tag stands for."""
        types = ("application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
                 "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json")
        status, headers, data = self.ask("GET", f"/v2/{name}/manifests/{tag}", {"Accept": types})
        assert status == 200, data
        return headers["Docker-Content-Digest"], data

    def put_blob(self, name, data):
        digest = "sha256:" + image.sha256(data)
        status, headers, body = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        assert status == 202, body
        location = headers["Location"].removeprefix(f"{self.scheme}://{self.host}")
        location += ("&" if "?" in location else "?") + "digest=" + digest
        status, _, body = self.ask("PUT", location, {"Content-Type": "application/octet-stream"}, data)
        assert status == 201, body
        return digest

    def put_manifest(self, name, tag, document, kind):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        status, headers, body = self.ask("PUT", f"/v2/{name}/manifests/{tag}", {"Content-Type": kind}, data)
        assert status == 201, body
        return headers["Docker-Content-Digest"]

    def blob_path(self, digest):
        """Where the registry keeps the blob's bytes."""
        digits = digest.removeprefix("sha256:")
        return self.root / "data/docker/registry/v2/blobs/sha256" / digits[:2] / digits / "data"

    def skopeo_push(self, archive, name, *options):
        """Puts a docker-save archive into the registry with skopeo."""
        skopeo("copy", "-q", "--dest-tls-verify=false", *options, f"docker-archive:{archive}",
               f"docker://{self.host}/{name}")


def skopeo(*arguments):
    done = subprocess.run(["skopeo", "--insecure-policy", *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def archive_file(folder, layers=None, **settings):
    path = pathlib.Path(folder) / "image.tar"
    path.write_bytes(image.docker_archive(["x:1"], layers, **settings))
    return path


def big_layer(mebibytes, seed=1):
    """A layer that gzip cannot make smaller, the same for the same seed."""
    import random  # pylint: disable=import-outside-toplevel
    layer = image.Layer()
    for i in range(mebibytes):
        layer.add(f"big/{seed}-{i}", random.Random(seed * 1000 + i).randbytes(1 << 20))
    return layer.bytes()
