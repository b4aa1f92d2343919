# SPDX-License-Identifier: Apache-2.0
"""HTTP: Docker's own clients, and Connect."""
import concurrent.futures
import json
import shutil
import signal
import socket
import struct
import urllib.parse

import pytest

import harness
import image
from gateway import Unix


def test_ping_and_headers(gateway):
    for method, body in (("GET", b"OK"), ("HEAD", b"")):
        code, headers, data = gateway.ask(method, "/_ping")
        assert (code, data) == (200, body)
        assert headers["Api-Version"] == "1.48" and headers["Ostype"] == "linux"
        assert headers["Swarm"] == "inactive"


def test_version_and_info(gateway):
    version = gateway.json("GET", "/v1.44/version")
    assert version["ApiVersion"] == "1.48" and version["MinAPIVersion"] == "1.24" and version["Os"] == "linux"
    info = gateway.json("GET", "/info")
    assert info["NCPU"] >= 1 and info["OSType"] == "linux" and info["Swarm"]["LocalNodeState"] == "inactive"


@pytest.mark.parametrize("method,path,status,text", [
    ("GET", "/nothing", 404, "page not found"),
    ("GET", "/v1.99/info", 400, "too new"),
    ("GET", "/v1.20/info", 400, "too old"),
    ("GET", "/v1.24/system/df", 400, "GET /system/df requires minimum API version 1.25"),
    ("POST", "/v1.30/build/prune", 400, "POST /build/prune requires minimum API version 1.31"),
    ("GET", "/v2.0/info", 400, "client version 2.0 is too new"),
    ("GET", "/networks?filters=%7B%22dangling%22%3A%5B%22x%22%5D%7D", 400, "must be \"true\""),
    ("GET", "/containers/none/json", 404, "No such container: none"),
    ("POST", "/containers/none/start", 404, "No such container"),
    ("GET", "/containers/json?filters=x", 400, "filters"),
    ("GET", "/containers/json?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D", 400, "nonsense"),
    ("GET", "/images/none/json", 404, "o such image"),
    ("GET", "/services", 503, "not a swarm manager"),
    ("POST", "/containers/none/wait?condition=never", 400, "condition"),
])
def test_errors_are_dockers(gateway, method, path, status, text):
    assert text in gateway.json(method, path, status=status)["message"]


@pytest.mark.parametrize("body,text", [
    ("{", "line 1"), ("[]", "object"), ({"Image": 1}, "Image"), ({"Image": "busybox", "Env": "x y"}, None),
    ({"Image": "busybox", "HostConfig": {"Binds": ["nonsense"]}}, "nonsense"),
    ({"Image": "no-such-image"}, "o such image"),
])
def test_bad_bodies(gateway, body, text):
    code, _, data = gateway.ask("POST", "/containers/create", body)
    if text is None:
        assert code == 201
        gateway.json("DELETE", f"/containers/{json.loads(data)['Id']}", status=204)
    else:
        assert code in (400, 404) and text in json.loads(data)["message"]


@pytest.mark.parametrize("path", ["/v1.25/system/df", "/system/df"])
def test_an_endpoint_is_there_from_its_version_on(gateway, path):
    assert "Images" in gateway.json("GET", path)


@pytest.mark.parametrize("kind,status", [
    ("text/plain", 400), ("application/x-www-form-urlencoded", 400), ("application/jsonx", 400), ("", 400),
    ("application/json", 404), ("Application/JSON;charset=utf-8", 404), ("application/json ; a=b", 404),
])
def test_a_body_is_json_by_its_type(gateway, kind, status):
    for path in ("/containers/create", "/networks/none/connect"):
        code, _, data = gateway.ask("POST", path, json.dumps({"Image": "none:1", "Container": "none"}), {"Content-Type": kind})
        assert code == status
        if status == 400:
            assert json.loads(data)["message"] == f"unsupported Content-Type header ({kind}): must be 'application/json'"


def frames(data):
    """What a multiplexed stream holds: (stream, bytes) of each frame."""
    while data:
        size = struct.unpack(">I", data[4:8])[0]
        yield data[0], data[8:8 + size]
        data = data[8 + size:]


def test_life_of_a_container(gateway):
    created = gateway.json("POST", "/v1.44/containers/create?name=life", {
        "Image": "busybox", "Cmd": ["sh", "-c", "echo out; echo err >&2; exit 5"], "Labels": {"a": "b"}}, 201)
    cid = created["Id"]
    assert gateway.json("POST", "/containers/create?name=life", {"Image": "busybox"}, 409)["message"].startswith("Conflict.")
    assert gateway.json("GET", f"/containers/{cid}/json")["State"]["Status"] == "created"
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    assert gateway.json("POST", f"/containers/{cid}/wait")["StatusCode"] == 5
    code, headers, data = gateway.ask("GET", f"/v1.44/containers/{cid}/logs?stdout=1&stderr=1")
    assert code == 200 and headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
    assert sorted(frames(data)) == [(1, b"out\n"), (2, b"err\n")]
    listed = gateway.json("GET", "/containers/json?all=1&filters=" + "%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D")
    assert [c["Names"] for c in listed] == [["/life"]] and listed[0]["State"] == "exited"
    assert gateway.ask("POST", f"/containers/{cid}/stop")[0] == 304
    gateway.json("DELETE", f"/containers/{cid}", status=204)
    gateway.json("GET", f"/containers/{cid}/json", status=404)


def test_wait_tells_that_it_is_armed_before_the_start(gateway):
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sh", "-c", "exit 3"],
                                                      "HostConfig": {"AutoRemove": True}}, 201)["Id"]
    connection = Unix(gateway.path)
    connection.request("POST", f"/containers/{cid}/wait?condition=removed")
    reply = connection.getresponse()  # returns with the headers
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    assert json.loads(reply.read())["StatusCode"] == 3
    connection.close()
    gateway.json("GET", f"/containers/{cid}/json", status=404)


def test_exec(gateway):
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"]}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    eid = gateway.json("POST", f"/containers/{cid}/exec", {"Cmd": ["sh", "-c", "exit 4"], "AttachStdout": True}, 201)["Id"]
    assert gateway.ask("POST", f"/exec/{eid}/start", {"Detach": True})[0] == 200
    harness.wait_until(lambda: not gateway.json("GET", f"/exec/{eid}/json")["Running"], 60, "end of the exec")
    assert gateway.json("GET", f"/exec/{eid}/json")["ExitCode"] == 4
    gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


@pytest.mark.parametrize("key,value,n", [("is-task", "true", 0), ("is-task", "false", 1), ("isolation", "default", 1)])
def test_filters_that_mean_nothing_here(gateway, key, value, n):
    cid = gateway.json("POST", "/containers/create?name=plain", {"Image": "busybox"}, 201)["Id"]
    filters = urllib.parse.quote(json.dumps({key: [value], "name": ["^/plain$"]}))
    assert len(gateway.json("GET", f"/containers/json?all=1&filters={filters}")) == n
    gateway.json("DELETE", f"/containers/{cid}", status=204)


def test_output_does_not_come_with_the_head(gateway):
    """docker-py would lose it."""
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"]}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    eid = gateway.json("POST", f"/containers/{cid}/exec", {"Cmd": ["echo", "x"], "AttachStdout": True}, 201)["Id"]
    connection = Unix(gateway.path)
    connection.connect()
    connection.sock.sendall(f"POST /exec/{eid}/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                            "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".encode())
    harness.wait_until(lambda: gateway.json("GET", f"/exec/{eid}/json")["ExitCode"] == 0, 60, "end of the exec")
    assert connection.sock.recv(65536).endswith(b"\r\n\r\n")
    output = b""
    while len(output) < 10:
        output += connection.sock.recv(10 - len(output))
    assert output == b"\1\0\0\0\0\0\0\2x\n"
    connection.close()
    gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


def test_streams_without_an_upgrade(gateway):
    """Output alone, as the body of a usual answer."""
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "OpenStdin": True,
                                                      "Cmd": ["sh", "-c", "echo out; exec cat"]}, 201)["Id"]
    attached = Unix(gateway.path)
    attached.request("POST", f"/containers/{cid}/attach?stream=1&stdin=1&stdout=1")
    reply = attached.getresponse()
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/vnd.docker.raw-stream")
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    assert reply.read(12) == b"\1\0\0\0\0\0\0\4out\n"
    eid = gateway.json("POST", f"/containers/{cid}/exec", {"Cmd": ["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; exit 3"],
                                                           "AttachStdout": True}, 201)["Id"]
    code, headers, data = gateway.ask("POST", f"/exec/{eid}/start", {"Detach": False})
    assert (code, headers["Content-Type"]) == (200, "application/vnd.docker.raw-stream")
    assert b"".join(frame for _, frame in frames(data)) == b"x" * 300000
    exec_ = gateway.json("GET", f"/exec/{eid}/json")
    assert (exec_["Running"], exec_["ExitCode"]) == (False, 3)
    gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)
    assert reply.read() == b""
    attached.close()


def test_logs_and_wait_outlive_the_engine(gateway):
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "Cmd": ["sh", "-c", "i=0; while [ ! -e /go ]; do i=$((i+1)); echo $i; sleep 0.01; done; exit 6"],
        "Tty": False}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    logs, wait = Unix(gateway.path), Unix(gateway.path)
    logs.request("GET", f"/containers/{cid}/logs?stdout=1&follow=1")
    wait.request("POST", f"/containers/{cid}/wait")
    logs_reply, wait_reply = logs.getresponse(), wait.getresponse()
    first = logs_reply.read(8)
    gateway.engine.kill(signal.SIGKILL)
    gateway.engine.start()
    eid = gateway.json("POST", f"/containers/{cid}/exec", {"Cmd": ["touch", "/go"]}, 201)["Id"]
    gateway.ask("POST", f"/exec/{eid}/start", {"Detach": True})
    assert json.loads(wait_reply.read())["StatusCode"] == 6
    numbers = [int(line) for _, line in frames(first + logs_reply.read())]
    assert numbers == list(range(1, len(numbers) + 1))
    logs.close()
    wait.close()
    gateway.json("DELETE", f"/containers/{cid}", status=204)


needs_docker = pytest.mark.skipif(not shutil.which("docker"), reason="no docker client on this machine")


@needs_docker
def test_docker_run(gateway):
    done = gateway.docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    done = gateway.docker("run", "--rm", "-i", "busybox", "cat", input="typed\n")
    assert (done.returncode, done.stdout) == (0, "typed\n")
    done = gateway.docker("run", "--rm", "busybox", "no-such-program")
    assert done.returncode == 127 and "executable file not found" in done.stderr
    assert gateway.docker("ps", "-aq").stdout == ""


@needs_docker
def test_docker_exec_logs_and_life(gateway):
    assert gateway.docker("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo hello; sleep 1000").returncode == 0
    harness.wait_until(lambda: gateway.docker("logs", "web").stdout == "hello\n", 60, "the log")
    done = gateway.docker("exec", "-i", "web", "sh", "-c", "cat; exit 3", input="x" * 300000)
    assert (done.returncode, len(done.stdout)) == (3, 300000)
    assert gateway.docker("ps", "--format", "{{.Names}} {{.Image}}").stdout == "web busybox\n"
    assert "sleep" in gateway.docker("top", "web").stdout
    for verb in ("pause", "unpause", "restart -t 0", "stop -t 0", "start", "kill", "rm"):
        done = gateway.docker(*verb.split(), "web")
        assert done.returncode == 0, (verb, done.stderr)


@needs_docker
def test_docker_images(gateway, tmp_path):
    (tmp_path / "i.tar").write_bytes(image.docker_archive(["fresh:1"], Labels={"k": "v"}))
    assert "fresh:1" in gateway.docker("load", "-i", str(tmp_path / "i.tar")).stdout
    assert "fresh" in gateway.docker("images").stdout
    assert gateway.docker("tag", "fresh:1", "fresh:2").returncode == 0
    for tag in ("fresh:1", "fresh:2"):
        assert gateway.docker("rmi", tag).returncode == 0


def test_calls_survive_the_engine(gateway):
    """A call that was cut off is repeated under its key; the client sees one answer."""
    create = {"Image": "busybox", "Cmd": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]}
    ids = [gateway.json("POST", "/containers/create", create, status=201)["Id"] for _ in range(3)]
    for name in ids:
        gateway.json("POST", f"/containers/{name}/start", status=204)
    with concurrent.futures.ThreadPoolExecutor(len(ids)) as pool:
        stops = [pool.submit(gateway.ask, "POST", f"/containers/{name}/stop?t=2") for name in ids]
        harness.wait_until(lambda: any(stop.running() for stop in stops), what="the calls")
        gateway.engine.kill(signal.SIGKILL)
        gateway.engine.start()
        assert [stop.result(60)[0] for stop in stops] == [204] * len(ids)
    for name in ids:
        assert gateway.json("GET", f"/containers/{name}/json")["State"]["ExitCode"] == 137
        gateway.json("DELETE", f"/containers/{name}", status=204)


def test_a_chunk_holds_whole_messages(gateway):
    """docker-py parses chunk by chunk, and fails at one that is a line's end alone."""
    def load(_):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(str(gateway.path))
            sock.sendall(b"POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\nConnection: close\r\n\r\n"
                         + b"junk" * 1000)
            reply = sock.makefile("rb")
            while reply.readline() != b"\r\n":
                pass
            while size := int(reply.readline(), 16):
                assert reply.read(size).endswith(b"\n")
                assert reply.readline() == b"\r\n"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(load, range(300)))) == 300
