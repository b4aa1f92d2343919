# SPDX-License-Identifier: Apache-2.0
"""A `cleat-gateway` for tests, and HTTP over its socket."""
import http.client
import json
import pathlib
import socket
import subprocess

import harness


class Unix(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.unix_path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self.unix_path)


def hijack(gateway, path, body=b"", upgrade=True):
    """The connection of a raw stream, behind its head."""
    connection = Unix(gateway.path)
    connection.connect()
    connection.sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode()
                            + (b"Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else b"")
                            + (b"Content-Type: application/json\r\n" if body else b"")
                            + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = connection.sock.recv(1)
        assert part, head
        head += part
    assert head.startswith(b"HTTP/1.1 101 " if upgrade else b"HTTP/1.1 200 OK\r\n"), head
    assert upgrade or b"Content-Type: application/vnd.docker.raw-stream\r\n" in head
    return connection


def read_all(connection):
    data = b""
    while part := connection.sock.recv(65536):
        data += part
    connection.close()
    return data


class Gateway:
    def __init__(self, engine, *arguments, name="docker.sock", user=None, stderr=None):
        self.engine, self.path = engine, engine.run / name
        self.path.unlink(missing_ok=True)  # of one before, which served as a user that could not remove it
        self.process = subprocess.Popen([harness.BIN / "cleat-gateway", "--run", engine.run, f"--listen=unix:{self.path}",
                                         *arguments], stdin=subprocess.DEVNULL, user=user, stderr=stderr, text=True)
        harness.wait_until(self.path.exists, 60, "the gateway's socket")

    def close(self):
        self.process.terminate()
        self.process.wait(30)

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request."""
        connection = Unix(self.path)
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        result = reply.status, reply.headers, reply.read()
        connection.close()
        return result

    def peak_kib(self):
        """The most memory the gateway has ever held."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

    def json(self, method, path, body=None, status=200):
        code, _, data = self.ask(method, path, body)
        assert code == status, data
        return json.loads(data) if data else None

    def docker(self, *arguments, **kw):
        return subprocess.run(["docker", "-H", f"unix://{self.path}", *arguments], capture_output=True, text=True,
                              timeout=120, check=False, **kw)
