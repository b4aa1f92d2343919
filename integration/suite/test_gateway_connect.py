# SPDX-License-Identifier: Apache-2.0
"""The Connect protocol, as its stock clients speak it."""
import base64
import gzip
import json
import signal
import struct
import urllib.parse

import pytest


def connect(gateway, method, body):
    return gateway.ask("POST", f"/cleat.v1.{method}", body)


def test_connect_unary(gateway):
    code, _, data = connect(gateway, "Containers/List", {"all": True})
    assert code == 200 and isinstance(json.loads(data), dict)
    code, _, data = connect(gateway, "Containers/Inspect", {"container": "none"})
    assert code == 404 and json.loads(data)["code"] == "not_found"
    code, _, data = connect(gateway, "Containers/Nothing", {})
    assert code == 501 and json.loads(data)["code"] == "unimplemented"


def test_connect_stream(gateway):
    body = json.dumps({"sinceNs": "1", "untilNs": "2"}).encode()
    code, headers, data = gateway.ask("POST", "/cleat.v1.System/Events", b"\0" + struct.pack(">I", len(body)) + body,
                                      {"Content-Type": "application/connect+json"})
    assert code == 200 and headers["Content-Type"] == "application/connect+json"
    assert data == b"\2" + struct.pack(">I", 2) + b"{}"


def envelopes(data):
    """(flags, message) of each envelope of a stream."""
    while data:
        flags, size = struct.unpack(">BI", data[:5])
        text = data[5:5 + size]
        yield flags, json.loads(gzip.decompress(text) if flags & 1 else text)
        data = data[5 + size:]


def stream(gateway, method, message, **headers):
    body = json.dumps(message).encode()
    code, _, data = gateway.ask("POST", f"/cleat.v1.{method}", b"\0" + struct.pack(">I", len(body)) + body,
                                {"Content-Type": "application/connect+json", **headers})
    assert code == 200
    return list(envelopes(data))


def test_stream_ends_with_its_error(gateway):
    (flags, end), = stream(gateway, "Containers/Logs", {"container": "none", "stdout": True})
    assert flags == 2 and end["error"]["code"] == "not_found" and "none" in end["error"]["message"]


def test_deadline_ends_a_stream(gateway):
    *_, (flags, end) = stream(gateway, "System/Events", {}, **{"Connect-Timeout-Ms": "200"})
    assert flags == 2 and end["error"]["code"] == "deadline_exceeded"


def test_get_for_what_changes_nothing(gateway):
    query = urllib.parse.urlencode({"connect": "v1", "encoding": "json", "message": json.dumps({"container": "none"})})
    code, _, data = gateway.ask("GET", f"/cleat.v1.Containers/Inspect?{query}")
    assert code == 404 and json.loads(data)["code"] == "not_found"
    assert gateway.ask("GET", "/cleat.v1.System/Version?encoding=json&message=%7B%7D")[0] == 200
    assert gateway.ask("GET", f"/cleat.v1.Containers/Remove?{query}")[0] == 405


NONE = b"\x0a\x04none"  # {container: "none"}


@pytest.mark.parametrize("query,status", [
    ({"encoding": "proto", "message": NONE}, 404),
    ({"encoding": "proto", "message": base64.urlsafe_b64encode(NONE), "base64": "1", "connect": "v1"}, 404),
    ({"encoding": "proto", "message": base64.b64encode(gzip.compress(NONE)), "base64": "1", "compression": "gzip"}, 404),
    ({"encoding": "proto", "message": base64.b64encode(NONE), "base64": "1", "compression": "gzip"}, 400),
    ({"encoding": "proto", "message": "!", "base64": "1"}, 400),
    ({"encoding": "proto", "message": b"\xff\xff"}, 400),
    ({"encoding": "xml", "message": ""}, 400),
    ({"encoding": "json", "message": "{}", "compression": "br"}, 501),
    ({"encoding": "json", "message": "{}", "connect": "v2"}, 400),
], ids=["binary", "base64", "gzip", "no gzip", "no base64", "no message", "encoding", "compression", "version"])
def test_forms_of_a_get(gateway, query, status):
    assert gateway.ask("GET", f"/cleat.v1.Containers/Inspect?{urllib.parse.urlencode(query)}")[0] == status


def test_binary_unary(gateway):
    binary = {"Content-Type": "application/proto"}
    code, headers, data = gateway.ask("POST", "/cleat.v1.System/Version", b"", binary)
    assert (code, headers["Content-Type"]) == (200, "application/proto") and b"linux" in data
    code, headers, data = gateway.ask("POST", "/cleat.v1.Containers/Inspect", NONE, binary)
    assert (code, headers["Content-Type"]) == (404, "application/json")  # errors are JSON
    assert json.loads(data)["code"] == "not_found"
    assert gateway.ask("POST", "/cleat.v1.Containers/Inspect", b"\xff", binary)[0] == 400


@pytest.mark.parametrize("kind", ["json", "proto"])
def test_compression(gateway, kind):
    headers = {"Content-Type": f"application/{kind}", "Content-Encoding": "gzip", "Accept-Encoding": "br, gzip"}
    ids = [gateway.json("POST", "/containers/create", {"Image": "busybox"}, 201)["Id"] for _ in range(8)]
    body = gzip.compress(b'{"all": true}' if kind == "json" else b"\x08\x01")
    code, answer, data = gateway.ask("POST", "/cleat.v1.Containers/List", body, headers)
    assert (code, answer["Content-Encoding"], answer["Vary"]) == (200, "gzip", "Accept-Encoding")
    assert all(cid.encode() in gzip.decompress(data) for cid in ids)
    code, answer, data = gateway.ask("POST", "/cleat.v1.System/Ping", gzip.compress(b""), headers)
    assert (code, answer["Content-Encoding"]) == (200, None)  # too short to be worth it
    for cid in ids:
        gateway.json("DELETE", f"/containers/{cid}", status=204)


def test_a_bomb_is_refused(gateway):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    code, _, data = gateway.ask("POST", "/cleat.v1.System/Ping", gzip.compress(b" " * (64 << 20)), headers)
    assert code == 429 and json.loads(data)["code"] == "resource_exhausted"


def test_streams_are_compressed_by_message(gateway):
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": [
        "sh", "-c", "printf '%05d ' $(seq 20000)"]}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    gateway.json("POST", f"/containers/{cid}/wait")
    body = gzip.compress(json.dumps({"container": cid, "stdout": True}).encode())
    code, headers, data = gateway.ask(
        "POST", "/cleat.v1.Containers/Logs", b"\1" + struct.pack(">I", len(body)) + body,
        {"Content-Type": "application/connect+json", "Connect-Content-Encoding": "gzip", "Connect-Accept-Encoding": "gzip"})
    assert (code, headers["Connect-Content-Encoding"]) == (200, "gzip")
    told = list(envelopes(data))
    assert told[-1] == (2, {}) and any(flags == 1 for flags, _ in told)
    text = b"".join(base64.b64decode(m["data"]) for _, m in told[:-1])
    assert text.split() == [b"%05d" % i for i in range(1, 20001)]
    gateway.json("DELETE", f"/containers/{cid}", status=204)


def test_an_error_has_its_reason(gateway):
    detail, = json.loads(connect(gateway, "Containers/Inspect", {"container": "none"})[2])["details"]
    assert detail["type"] == "google.rpc.ErrorInfo" and detail["debug"]["domain"] == "cleat.v1"
    assert detail["debug"]["reason"].encode() in base64.b64decode(detail["value"] + "==")


def test_an_absent_engine_is_waited_for_until_the_deadline(gateway):
    gateway.engine.kill(signal.SIGKILL)
    code, _, data = gateway.ask("POST", "/cleat.v1.System/Version", b"{}", {"Connect-Timeout-Ms": "300"})
    gateway.engine.start()
    assert code == 504 and json.loads(data)["code"] == "deadline_exceeded"


@pytest.mark.parametrize("headers,status", [
    ({"Content-Type": "text/plain"}, 415), ({"Content-Encoding": "br"}, 501), ({"Content-Encoding": "gzip"}, 400),
    ({"Content-Type": "application/json; charset=utf-8"}, 200), ({"Content-Encoding": "identity"}, 200),
    ({"Connect-Protocol-Version": "1"}, 200), ({"Connect-Protocol-Version": "2"}, 400),
    ({"Connect-Timeout-Ms": "10000000000"}, 400), ({"Connect-Timeout-Ms": "-1"}, 400),
])
def test_types_and_codings(gateway, headers, status):
    code, answer, _ = gateway.ask("POST", "/cleat.v1.System/Ping", b"{}", headers)
    assert code == status
    assert (code == 415) == ("Accept-Post" in answer)
