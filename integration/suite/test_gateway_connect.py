# SPDX-License-Identifier: Apache-2.0
"""The Connect protocol, as its stock clients speak it."""
import json
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
        yield flags, json.loads(data[5:5 + size])
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
    assert gateway.ask("GET", "/cleat.v1.System/Version?encoding=proto&message=")[0] == 400
    assert gateway.ask("GET", f"/cleat.v1.Containers/Remove?{query}")[0] == 405


@pytest.mark.parametrize("headers,status", [
    ({"Content-Type": "text/plain"}, 415), ({"Content-Encoding": "gzip"}, 501),
    ({"Content-Type": "application/json; charset=utf-8"}, 200), ({"Content-Encoding": "identity"}, 200),
])
def test_types_and_codings(gateway, headers, status):
    assert gateway.ask("POST", "/cleat.v1.System/Ping", b"{}", headers)[0] == status
