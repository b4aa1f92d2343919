# SPDX-License-Identifier: Apache-2.0
"""How the gateway listens, what it lets a client take, and what it writes down."""
import concurrent.futures
import contextlib
import json
import os
import re
import select
import socket
import subprocess
import time
import urllib.parse

import pytest

import harness
from gateway import Gateway, Unix, hijack


FOLLOW = b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def serve(gateway):
    """A further gateway to the same engine, with options."""
    with contextlib.ExitStack() as stack:
        def start(*arguments, name="other.sock"):
            other = Gateway(gateway.engine, *arguments, name=name)
            stack.callback(other.close)
            return other
        yield start


def listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def dial(other):
    connection = Unix(other.path)
    connection.connect()
    return connection.sock


def send(other, *requests):
    """A connection for each, on which that has come when the gateway accepts it: its time-outs count from then on."""
    with harness.stopped(other.process.pid):
        socks = [dial(other) for _ in requests]
        for sock, request in zip(socks, requests):
            sock.sendall(request)
    return socks


def fields(line):
    """A line of the access log as a dict."""
    return {k: json.loads(v) if v[0] == '"' else v for k, v in re.findall(r'(\w+)=("(?:\\.|[^"\\])*"|\S+)', line)}


def test_access_log(serve, tmp_path):
    log = tmp_path / "access"
    other = serve("--access-log", log)
    other.ask("GET", "/_ping", headers={"User-Agent": 'a "b"\tc'})
    other.ask("GET", "/containers/no%0Ane/json?x=y")
    other.ask("POST", "/cleat.v1.System/Version", {})
    harness.wait_until(lambda: log.exists() and log.read_text(encoding="utf-8").count("\n") == 3, 60, "three lines")
    ping, missing, version = map(fields, log.read_text(encoding="utf-8").splitlines())
    assert (ping["method"], ping["path"], ping["status"], ping["sent"]) == ("GET", "/_ping", "200", "2")
    assert (ping["client"], ping["agent"], ping["complete"]) == ("uid:0", 'a "b"\tc', "yes")
    assert (missing["path"], missing["status"]) == ("/containers/no\nne/json", "404")
    assert version["path"] == "/cleat.v1.System/Version" and float(version["first_ms"]) <= float(version["ms"])


def test_a_stream_that_the_client_left_is_logged_as_such(serve, tmp_path):
    log = tmp_path / "access"
    other = serve("--access-log", log)
    with dial(other) as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 200"
    harness.wait_until(lambda: log.read_text(encoding="utf-8").count("\n") == 1, 60, "a line")
    assert fields(log.read_text(encoding="utf-8"))["complete"] == "no"


@pytest.mark.parametrize("option,request_bytes,status", [
    ("--max-body=2k", b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n" + b" " * 3000, 413),
    ("--max-body=4k", b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n" + b" " * 3000, 400),
    ("--max-head=8k", b"GET /_ping HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
    ("--max-head=32k", b"GET /_ping HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 200),
], ids=["body", "body fits", "head", "head fits"])
def test_limits_of_a_request(serve, option, request_bytes, status):
    with dial(serve(option)) as sock:
        sock.sendall(request_bytes)
        assert sock.recv(12) == b"HTTP/1.1 %d" % status


def test_requests_at_once(serve):
    other = serve("--max-requests=2")
    with dial(other) as one, dial(other) as two:
        for sock in (one, two):
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(12) == b"HTTP/1.1 200"
        code, _, data = other.ask("GET", "/info")
        assert code == 503 and json.loads(data) == {"message": "too many requests at once"}
        assert other.ask("GET", "/_ping")[0] == 200  # costs none
    harness.wait_until(lambda: other.ask("GET", "/info")[0] == 200, 60, "the places to be free")


def test_connections_at_once(serve):
    other = serve("--max-connections=3")
    held = [dial(other) for _ in range(3)]
    for sock in held:
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 200"
    with dial(other) as waiting:
        waiting.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        held.pop().close()
        assert waiting.recv(12) == b"HTTP/1.1 200"
    for sock in held:
        sock.close()


def ends(sock):
    """Reads until the gateway closes."""
    with contextlib.suppress(ConnectionResetError):
        while sock.recv(4096):
            pass


def test_idle_connections_are_closed_and_followers_are_not(serve):
    other = serve("--idle-timeout=1", "--request-timeout=1")
    idle, follower, after = send(other, b"", FOLLOW, b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
    with idle, follower, after:
        assert follower.recv(12) == b"HTTP/1.1 200"
        ends(idle)
        ends(after)
        follower.setblocking(False)
        while True:
            try:
                assert follower.recv(4096)
            except BlockingIOError:
                break


def test_a_follower_that_was_silent_for_long_gets_what_comes(gateway, serve):
    other = serve("--idle-timeout=1", "--request-timeout=1")
    follower, = send(other, FOLLOW)
    with follower:
        assert follower.recv(12) == b"HTTP/1.1 200"
        for name in ("once", "again"):
            with dial(other) as idle:
                ends(idle)
            cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Labels": {"told": name}}, 201)["Id"]
            data = b""
            while b'"told":"%s"' % name.encode() not in data:
                data += (part := follower.recv(65536))
                assert part
            gateway.json("DELETE", f"/containers/{cid}", status=204)


def test_the_input_of_a_client_that_is_gone_waits_for_an_engine_that_stands_still(gateway, serve):
    other = serve("--idle-timeout=1", "--request-timeout=1")
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "OpenStdin": True, "StdinOnce": True, "Cmd": ["wc", "-c"]}, 201)["Id"]
    connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1&stdout=1")
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    engine, = gateway.engine.engine_pids()
    with harness.stopped(engine):
        connection.sock.sendall(bytes(10))
        connection.close()
        for _ in range(2):  # a second each
            with dial(other) as idle:
                ends(idle)
    assert gateway.json("POST", f"/containers/{cid}/wait") == {"StatusCode": 0}
    assert gateway.engine.out("logs", cid) == "10"
    gateway.json("DELETE", f"/containers/{cid}", status=204)


@pytest.mark.parametrize("path", ["/export", "/archive?path=/", "/logs?stdout=1"], ids=["export", "archive", "logs"])
def test_a_client_that_takes_nothing_of_its_answer_is_left(gateway, serve, path):
    """What is there for it fills all buffers; nobody waits for it longer than for one that does not ask."""
    other = serve("--idle-timeout=1", "--request-timeout=1")
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": [
        "sh", "-c", "head -c 20000000 /dev/zero > /large; head -c 3000000 /dev/zero | tr '\\0' a | fold"]}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    gateway.json("POST", f"/containers/{cid}/wait")
    reader, = send(other, f"GET /containers/{cid}{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with reader:
        assert reader.recv(12) == b"HTTP/1.1 200"
        hung_up = select.poll()
        hung_up.register(reader, 0)
        assert hung_up.poll(60000)
    gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


@pytest.mark.parametrize("begin", [b"GET /_ping HTTP/1.1\r\nX: ", b"POST /containers/create HTTP/1.1\r\nHost: x\r\n"
                                   b"Content-Length: 100000\r\n\r\n"], ids=["head", "body"])
def test_a_byte_now_and_then_keeps_no_connection(serve, begin):
    other = serve("--idle-timeout=1", "--request-timeout=1")
    with dial(other) as slow:
        slow.sendall(begin)
        slow.settimeout(0.2)
        began = time.monotonic()
        while time.monotonic() - began < 60:
            try:
                slow.sendall(b" ")
                if not slow.recv(4096):
                    break
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        else:
            pytest.fail("it is still connected")


@pytest.fixture
def tcp(serve):
    with harness.reserved_port() as held:
        port = held.getsockname()[1]
        serve(f"--listen=tcp://127.0.0.1:{port}", "--unauthenticated-loopback-tcp")
        harness.wait_until(lambda: listens(port), what="gateway over TCP")  # its UNIX socket is there before
        yield port


def over_tcp(port, headers):
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        sock.sendall(b"GET /_ping HTTP/1.1\r\n" + headers.replace(b"PORT", b"%d" % port) + b"Connection: close\r\n\r\n")
        return int(sock.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("headers,status", [
    (b"Host: localhost:PORT\r\n", 200), (b"Host: 127.0.0.1:PORT\r\n", 200),
    (b"Host: localhost:PORT\r\nOrigin: http://evil.example\r\n", 403), (b"Host: rebound.example:PORT\r\n", 403),
    (b"Host: localhost:PORT\r\nOrigin: null\r\n", 403), (b"Host: localhost\r\nSec-Fetch-Site: cross-site\r\n", 403),
], ids=["localhost", "address", "origin", "other name", "sandboxed page", "fetch metadata"])
def test_a_page_of_a_browser_is_refused_over_tcp(tcp, headers, status):
    assert over_tcp(tcp, headers) == status


def test_a_refused_page_changes_nothing(tcp, gateway):
    body = b'{"Image": "busybox"}'
    with socket.create_connection(("127.0.0.1", tcp), 60) as sock:
        sock.sendall(b"POST /containers/create?name=of-a-page HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
                     b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert sock.recv(12) == b"HTTP/1.1 403"
    gateway.json("GET", "/containers/of-a-page/json", status=404)


@pytest.mark.parametrize("arguments,told", [
    (["--listen=tcp://127.0.0.1:0"], "--unauthenticated-loopback-tcp"),
    (["--listen=tcp://0.0.0.0:0", "--unauthenticated-loopback-tcp"], "loopback"),
    (["--listen=tcp://nowhere"], "expected tcp://ADDRESS:PORT"), (["--listen=http://x"], "expected unix:PATH"),
    (["--max-head=1"], "--max-head 1: expected 4096 to"), (["--idle-timeout=x"], "--idle-timeout x"),
    (["--nothing"], "--nothing"), (["--user=nobody-at-all"], "no such user"),
])
def test_options_that_are_refused(tmp_path, arguments, told):
    done = subprocess.run([harness.BIN / "cleat-gateway", "--run", tmp_path, *arguments], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode in (1, 2) and done.stderr.startswith("cleat-gateway: ") and told in done.stderr


def test_another_user_serves(gateway, serve):
    """With the group of the engine's socket it needs no other right."""
    os.chown(gateway.engine.run / "cleat.sock", -1, 65534)
    for folder in (gateway.engine.run, gateway.engine.run.parent):
        folder.chmod(0o755)
    log = gateway.engine.run / "access.log"
    other = serve("--user=nobody", "--access-log", log)
    assert other.json("GET", "/containers/json") is not None
    assert log.stat().st_uid == 65534  # a successor opens it
    with open(f"/proc/{other.process.pid}/status", encoding="utf-8") as status:
        assert re.search(r"^Uid:\t65534\t65534\t65534\t65534$", status.read(), re.M)


def test_an_answer_is_no_older_than_its_question(gateway):
    """Who asks for the same at once shares an answer, and still sees what he did before."""
    def round_trip(k):
        name = f"shared-{k}"
        gateway.json("POST", f"/containers/create?name={name}", {"Image": "busybox"}, 201)
        seen = [c["Names"][0] for c in gateway.json("GET", "/containers/json?all=1")]
        gateway.json("DELETE", f"/containers/{name}", status=204)
        left = [c["Names"][0] for c in gateway.json("GET", "/containers/json?all=1")]
        return f"/{name}" in seen and f"/{name}" not in left

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(round_trip, range(160)))


def test_questions_that_differ_have_answers_of_their_own(gateway):
    ids = [gateway.json("POST", "/containers/create", {"Image": "busybox", "Labels": {"n": str(n)}}, 201)["Id"] for n in range(4)]

    def ask(k):
        query = urllib.parse.urlencode({"all": "1", "filters": json.dumps({"label": [f"n={k % 5}"]})})
        return [c["Id"] for c in gateway.json("GET", f"/containers/json?{query}")] == ids[k % 5:k % 5 + 1]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(200)))
    for cid in ids:
        gateway.json("DELETE", f"/containers/{cid}", status=204)


def test_a_name_that_goes_on_behind_a_null_is_another_question(gateway):
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox"}, 201)["Id"]

    def ask(k):
        name, ids = (("all", [cid]), ("all%00", []))[k % 2]
        return [c["Id"] for c in gateway.json("GET", f"/containers/json?{name}=1")] == ids

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(200)))
    gateway.json("DELETE", f"/containers/{cid}", status=204)
