# SPDX-License-Identifier: Apache-2.0
"""What no client should send, and clients that stall: only they suffer."""
import contextlib
import io
import json
import os
import socket
import struct
import tarfile
import urllib.parse

import pytest

import harness

CREATE = b"POST /containers/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
JSON = b"POST /cleat.v1.Containers/Create HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"


def dial(gateway):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(str(gateway.path))
    return s


def send(gateway, data, half_close=False):
    """What comes back until the gateway closes."""
    reply = b""
    with dial(gateway) as s:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # closed meanwhile: what it said is still to be read
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while more := s.recv(65536):
                reply += more
    return reply


def body(data):
    return b"Content-Length: %d\r\n\r\n" % len(data) + data


def get(path):
    return b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("request_bytes,status", [
    (b"GET /_ping HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200000 + b"\r\n\r\n", 431),
    (get(b"/" + b"a" * 200000), 414),
    (get(b"/containers/" + b"a" * 10000 + b"/json"), 404),
    (get(b"/containers/a%00b/json"), 404),
    (get(b"/containers/%ff%fe/json"), 404),
    (get(b"/containers/..%2f..%2fetc/json"), 404),
    (CREATE + b"Content-Length: -5\r\n\r\n{}", 400),
    (CREATE + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n", 400),
    (CREATE + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", 413),
    (b"POST /images/load HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nZZZ\r\n", 400),
    (CREATE + body(b"[" * 100000), 400),
    (CREATE + body(b'{"a":' * 100000), 400),
    (JSON + body(b'{"config":' * 100000), 400),
    (CREATE + body(b'{"Image":"' + b"a" * 65536 + b'"}'), 400),
    (CREATE + body(b" " * (17 << 20)), 413),
    (CREATE + b"Content-Length: 2\r\n\r\n{}and more\r\n\r\n", 400),
    (b"GET /_ping\r\n\r\n", 400),
], ids=["huge head", "huge path", "long name", "nul", "no utf-8", "dots", "negative length", "chunk garbage", "huge chunk",
        "chunk garbage in a load", "deep array", "deep object", "deep message", "long image", "large body", "more than announced",
        "no version"])
def test_each_gets_its_status(gateway, request_bytes, status):
    assert send(gateway, request_bytes).startswith(b"HTTP/1.1 %d " % status)
    assert gateway.ask("GET", "/_ping")[0] == 200


def test_a_half_closed_client_gets_its_answer(gateway):
    assert send(gateway, b"GET /containers/json HTTP/1.1\r\nHost: x\r\n\r\n", half_close=True).endswith(b"[]\n")


def test_idle_connections_starve_nobody(gateway):
    idle = [dial(gateway) for _ in range(500)]
    for s in idle:
        s.sendall(b"GET /_pi")
    assert gateway.ask("GET", "/_ping")[0] == 200
    for s in idle:
        s.close()


@pytest.mark.unsanitized(reason="measures memory, of which sanitizers take much")
def test_who_does_not_read_costs_little(gateway):
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "Cmd": ["sh", "-c", "yes 0123456789 | head -c 4000000"]}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    gateway.json("POST", f"/containers/{cid}/wait")
    before, stalled = gateway.peak_kib(), [dial(gateway) for _ in range(8)]
    for s in stalled:
        s.sendall(b"GET /containers/%s/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n" % cid.encode())
        assert s.recv(12) == b"HTTP/1.1 200"
    code, _, data = gateway.ask("GET", f"/containers/{cid}/logs?stdout=1")
    size = at = 0
    while at < len(data):
        n = struct.unpack(">I", data[at + 4:at + 8])[0]
        size, at = size + n, at + 8 + n
    assert (code, size) == (200, 4000000)
    assert gateway.peak_kib() - before < 32 << 10
    for s in stalled:
        s.close()
    tasks = f"/proc/{gateway.process.pid}/task"
    harness.wait_until(lambda: len(os.listdir(tasks)) <= 2, 60, "end of the followers' threads")
    gateway.json("DELETE", f"/containers/{cid}", status=204)


POST = b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BEHIND = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("head_and_body", [
    POST + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    POST + CHUNKED + b"Content-Length: 6\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
    POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"Content-Length: 2, 2\r\n\r\n{}",
    POST + b"Content-Length: +2\r\n\r\n{}",
    POST + b"Content-Length: 0x2\r\n\r\n{}",
    POST + b"Content-Length : 2\r\n\r\n{}",
    POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n",
    POST + b"X: a\r\n Content-Length: 2\r\nContent-Length: 0\r\n\r\n",
    POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length\r\n\r\n",
    POST + CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    POST + CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
    POST + CHUNKED + b"\r\n2\r\n{}XX\r\n0\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
], ids=["length, chunked", "chunked, length", "two lengths", "same lengths", "list of lengths", "plus", "hexadecimal", "length blank",
        "coding blank", "other coding", "codings", "two codings", "vertical tab", "chunked in 1.0", "folded length", "folded coding",
        "no colon", "negative chunk", "0x chunk", "longer chunk", "no host", "two hosts"])
def test_no_request_hides_behind_another(gateway, head_and_body):
    """What two readers may read differently is refused, and the connection with it: nothing behind it is answered."""
    reply = send(gateway, head_and_body + BEHIND)
    assert reply.startswith(b"HTTP/1.1 400 ") and b"page not found" not in reply
    assert gateway.ask("GET", "/_ping")[0] == 200


CONFIG = {
    "Image": "busybox", "Cmd": ["true"], "Entrypoint": None, "Env": ["A=b"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/v": {}}, "StopTimeout": 3, "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000},
    "HostConfig": {"Binds": ["vol:/w"], "Memory": 8 << 20, "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
                   "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
                   "Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 65536}}], "CapAdd": ["NET_ADMIN"],
                   "LogConfig": {"Type": "local", "Config": {"max-size": "1m"}}, "Devices": [], "Sysctls": {"net.ipv4.ip_forward": "1"}},
    "NetworkingConfig": {"EndpointsConfig": {"bridge": {"Aliases": ["a"], "IPAMConfig": {"IPv4Address": ""}}}},
}


def variants(value, path=()):
    """(where, the whole with something else there), of each place at every depth."""
    for other in (None, True, -1, 1.5, 1 << 70, "x\u0000y", [], {}, [[[]]], {"x": {"y": [1]}}):
        yield path, other
    if isinstance(value, (dict, list)):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from variants(below, (*path, key))


def replaced(value, path, other):
    if not path:
        return other
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], other)
    return copied


def test_json_of_another_kind_at_every_depth(gateway):
    for path, other in variants(CONFIG):
        code, _, data = gateway.ask("POST", "/containers/create", json.dumps(replaced(CONFIG, path, other)))
        assert code in (201, 400, 404), (path, other, code, data)
        assert "message" in json.loads(data) or code == 201
        if code == 201:
            gateway.json("DELETE", f"/containers/{json.loads(data)['Id']}?v=1", status=204)


def test_broken_json_at_every_depth(gateway):
    text = json.dumps(CONFIG).encode()
    for at in range(1, len(text), 7):
        assert gateway.ask("POST", "/containers/create", text[:at])[0] == 400
        assert gateway.ask("POST", "/containers/create", text[:at] + b"\xff" + text[at:])[0] == 400


@pytest.fixture
def container(gateway):
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"]}, 201)["Id"]
    yield cid
    gateway.json("DELETE", f"/containers/{cid}", status=204)


def test_no_path_leads_out_of_a_container(gateway, container, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("of the host", encoding="utf-8")
    for path in (f"{'/..' * 20}{secret}", f"..{'/..' * 20}{secret}", f"/proc/1/root{secret}", f"/bin/..{'/..' * 9}{secret}",
                 f"//{secret}", f"/./{secret}/."):
        code, _, data = gateway.ask("GET", f"/containers/{container}/archive?{urllib.parse.urlencode({'path': path})}")
        assert code == 404 and b"of the host" not in data
    escape = io.BytesIO()
    with tarfile.open(fileobj=escape, mode="w") as tar:
        for name in (f"{'../' * 20}{tmp_path}/evil", f"{tmp_path}/evil", "link/evil"):
            if name.startswith("link"):
                link = tarfile.TarInfo("link")
                link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
                tar.addfile(link)
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
    gateway.ask("PUT", f"/containers/{container}/archive?path=/", escape.getvalue(), {"Content-Type": "application/x-tar"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["secret"]


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "%2e%2e", "a%0d%0aX-Injected:%20yes", "a%09b", "%c0%ae%c0%ae", "-x", "x" * 300, "%20"])
@pytest.mark.parametrize("kind", ["containers", "images", "networks", "volumes"])
def test_names_that_are_none(gateway, kind, name):
    code, headers, data = gateway.ask("GET", f"/{kind}/{name}{'/json' if kind in ('containers', 'images') else ''}")
    assert code in (400, 404) and "message" in json.loads(data) and "X-Injected" not in headers
