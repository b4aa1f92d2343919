# SPDX-License-Identifier: Apache-2.0
"""What no client should send, and clients that stall: only they suffer."""
import os
import socket
import struct

import pytest

import harness

CREATE = b"POST /containers/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
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
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            while more := s.recv(65536):
                reply += more
        except (BrokenPipeError, ConnectionResetError):
            pass  # closed while we were sending
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
