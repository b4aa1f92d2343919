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


class Gateway:
    def __init__(self, engine):
        self.engine, self.path = engine, engine.run / "docker.sock"
        self.process = subprocess.Popen([harness.BIN / "cleat-gateway", "--run", engine.run],
                                        stdin=subprocess.DEVNULL)
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
