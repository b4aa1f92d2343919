# SPDX-License-Identifier: Apache-2.0
"""Held streams over HTTP: how they end, and that an engine that goes is not seen in them."""
import os
import signal
import socket
import threading
import time

import pytest

import harness
from gateway import Unix, hijack, read_all

UNTIL_TOLD = "while [ ! -e /go ]; do sleep 0.01; done; "


@pytest.fixture
def running(gateway):
    """Starts a container of a shell script; all are gone after the test."""
    made = []

    def start(script, **config):
        made.append(gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sh", "-c", script], **config}, 201)["Id"])
        gateway.json("POST", f"/containers/{made[-1]}/start", status=204)
        return made[-1]

    yield start
    for cid in made:
        gateway.json("DELETE", f"/containers/{cid}?force=1&v=1", status=204)


def prepare_exec(gateway, cid, *command, **config):
    return gateway.json("POST", f"/containers/{cid}/exec", {
        "Cmd": command, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, **config}, 201)["Id"]


def tell(gateway, cid):
    """Ends an UNTIL_TOLD."""
    eid = gateway.json("POST", f"/containers/{cid}/exec", {"Cmd": ["touch", "/go"]}, 201)["Id"]
    gateway.json("POST", f"/exec/{eid}/start", {"Detach": True})


def test_input_that_nobody_read_does_not_cut_the_answer(gateway, running):
    """A socket that is closed with unread bytes in it resets its peer, which would take that for a failure."""
    cid = running("sleep 1000")
    eid = prepare_exec(gateway, cid, "sh", "-c", UNTIL_TOLD + "echo end; exit 3")
    connection = hijack(gateway, f"/exec/{eid}/start", b"{}")
    connection.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            connection.sock.send(b"x" * 65536)
    connection.sock.settimeout(60)
    tell(gateway, cid)
    assert read_all(connection) == b"\1\0\0\0\0\0\0\4end\n"
    assert gateway.json("GET", f"/exec/{eid}/json")["ExitCode"] == 3


@pytest.mark.parametrize("upgrade", [True, False], ids=["upgraded", "200"])
def test_a_client_that_does_not_ask_for_an_upgrade_has_the_same_stream(gateway, running, upgrade):
    """dockerode does not, unless it is told to."""
    eid = prepare_exec(gateway, running("sleep 1000"), "sh", "-c", "cat; exit 3")
    connection = hijack(gateway, f"/exec/{eid}/start", b"{}", upgrade)
    connection.sock.sendall(b"typed\n")
    connection.sock.shutdown(socket.SHUT_WR)
    assert read_all(connection) == b"\1\0\0\0\0\0\0\6typed\n"
    assert gateway.json("GET", f"/exec/{eid}/json")["ExitCode"] == 3
    assert gateway.json("POST", "/containers/none/attach?stream=1&stdout=1", status=404)["message"] == "No such container: none"


@pytest.mark.parametrize("lines", ["all", "0"])
@pytest.mark.parametrize("driver", ["local", "json-file"])
def test_followed_logs_begin_before_there_are_any(gateway, running, tmp_path, driver, lines):
    """A client that waits for the head before it causes output would wait for ever; and what comes while the engine
    is away belongs to what it asked for."""
    cid = running("echo before; while [ ! -e /told/go ]; do sleep 0.01; done; echo told; touch /told/done; sleep 1000",
                  HostConfig={"Binds": [f"{tmp_path}:/told"], "LogConfig": {"Type": driver}})
    gateway.engine.wait_for_log(cid, "before")
    connection = Unix(gateway.path)
    connection.request("GET", f"/containers/{cid}/logs?stdout=1&follow=1&tail={lines}")
    reply = connection.getresponse()
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
    gateway.engine.kill(signal.SIGKILL)
    (tmp_path / "go").touch()
    harness.wait_until((tmp_path / "done").exists, 60, "the output")
    gateway.engine.start()
    gateway.json("POST", f"/containers/{cid}/kill", status=204)
    assert reply.read() == (b"\1\0\0\0\0\0\0\7before\n" if lines == "all" else b"") + b"\1\0\0\0\0\0\0\5told\n"
    connection.close()


@pytest.mark.parametrize("size", [0, 5, 100000])
def test_the_end_of_the_input_is_seen_without_any_output(gateway, running, size):
    """Whether the client's last bytes and its end come together or not."""
    eid = prepare_exec(gateway, running("sleep 1000"), "wc", "-c")
    connection = hijack(gateway, f"/exec/{eid}/start", b"{}")
    connection.sock.sendall(bytes(size))
    connection.sock.shutdown(socket.SHUT_WR)
    assert read_all(connection)[8:] == b"%d\n" % size


@pytest.mark.parametrize("keys", [b"", b"\x10\x11"], ids=["goes", "detaches"])
def test_what_was_typed_by_a_client_that_is_gone_comes_to_the_container(gateway, running, tmp_path, keys):
    """Though the answer to what others typed finds nobody. In which order those come that are gone, nobody promises."""
    cid = running("while read line; do echo $line >>/told/lines; echo $line; done", Tty=True, OpenStdin=True,
                  HostConfig={"Binds": [f"{tmp_path}:/told"]})
    for i in range(30):
        connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1&stdout=1")
        connection.sock.sendall(b"%02d\n%s" % (i, keys))
        connection.close()
    expected = [f"{i:02}" for i in range(30)]

    def came():
        return sorted((tmp_path / "lines").read_text().split()) if (tmp_path / "lines").exists() else []
    harness.wait_until(lambda: came() == expected, 60, what=lambda: f"all lines and not {came()}")


@pytest.mark.parametrize("unread", [False, True])
@pytest.mark.parametrize("size", [0, 10, 200000])
def test_what_was_sent_by_a_client_that_is_gone_comes_to_the_container(gateway, size, unread):
    """And so does its end, though its output finds nobody, or was not read: then the socket breaks."""
    for _ in range(5):
        cid = gateway.json("POST", "/containers/create", {
            "Image": "busybox", "OpenStdin": True, "StdinOnce": True, "Cmd": ["sh", "-c", f"{'echo unread;' * unread} wc -c"]}, 201)["Id"]
        connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1&stdout=1")
        gateway.json("POST", f"/containers/{cid}/start", status=204)
        if unread:
            gateway.engine.wait_for_log(cid, "unread")
            assert connection.sock.recv(1, socket.MSG_PEEK)
        connection.sock.sendall(bytes(size))
        connection.close()
        assert gateway.json("POST", f"/containers/{cid}/wait") == {"StatusCode": 0}
        assert gateway.engine.out("logs", cid) == "unread\n" * unread + str(size)
        gateway.json("DELETE", f"/containers/{cid}", status=204)


def descriptors(gateway):
    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))


@pytest.mark.parametrize("size", [10, 80000, 200000])
@pytest.mark.parametrize("first", ["attached", "started"])
def test_what_was_sent_by_a_client_that_is_gone_comes_to_a_container_that_writes(gateway, tmp_path, first, size):
    """Its supervisor finds by a write that nobody is there, with input and its end still unread: the container has not
    begun to read, and more than its pipe holds has come. Who is attached before the start gets all output, any other
    what it reads in time."""
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "OpenStdin": True, "StdinOnce": True, "HostConfig": {"Binds": [f"{tmp_path}:/told"]},
        "Cmd": ["sh", "-c", "yes & while [ ! -e /told/go ]; do usleep 10000; done; wc -c >/told/n; kill $!"]}, 201)["Id"]
    before = descriptors(gateway)
    if first == "started":
        gateway.json("POST", f"/containers/{cid}/start", status=204)
    connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1&stdout=1")
    if first == "attached":
        gateway.json("POST", f"/containers/{cid}/start", status=204)
    connection.sock.sendall(bytes(size))
    connection.close()
    harness.wait_until(lambda: descriptors(gateway) <= before, 60, "the end of its connection")
    (tmp_path / "go").touch()
    assert gateway.json("POST", f"/containers/{cid}/wait")["StatusCode"] is not None
    assert (tmp_path / "n").read_text() == f"{size}\n"
    gateway.json("DELETE", f"/containers/{cid}", status=204)


@pytest.mark.parametrize("stays", [True, False], ids=["stays", "goes"])
def test_a_terminal_takes_more_than_it_has_room_for(gateway, tmp_path, stays):
    """What was typed before its process reads waits for it."""
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "OpenStdin": True, "Tty": True, "HostConfig": {"Binds": [f"{tmp_path}:/told"]},
        "Cmd": ["sh", "-c", "while [ ! -e /told/go ]; do usleep 10000; done; head -n 20000 | wc -c >/told/n; read x"]}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    before = descriptors(gateway)
    connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1")
    connection.sock.sendall(b"123456789\n" * 20000)
    if not stays:
        connection.close()
        harness.wait_until(lambda: descriptors(gateway) <= before, 60, "the end of its connection")
    (tmp_path / "go").touch()
    harness.wait_until(lambda: (tmp_path / "n").exists() and (tmp_path / "n").read_text(), 60, "the count")
    assert (tmp_path / "n").read_text() == "200000\n"
    connection.close()
    gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


def test_what_was_sent_by_a_client_that_is_gone_comes_to_a_container_that_reads_slowly(gateway):
    """Much of it is still in the client's socket then."""
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "OpenStdin": True, "StdinOnce": True, "Cmd": ["sh", "-c", """
            n=0; while k=$(dd bs=16384 count=1 2>/dev/null | wc -c); [ $k -gt 0 ]; do n=$((n+k)); usleep 200000; done; echo $n"""]}, 201)["Id"]
    connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1&stdout=1")
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    connection.sock.sendall(bytes(400000))
    connection.close()
    assert gateway.json("POST", f"/containers/{cid}/wait") == {"StatusCode": 0}
    assert gateway.engine.out("logs", cid) == "400000"
    gateway.json("DELETE", f"/containers/{cid}", status=204)


@pytest.mark.parametrize("size,tty", [(0, False), (10, False), (250000, False), (10, True)])
def test_what_was_sent_before_the_start_by_a_client_that_is_gone_comes_to_the_container(gateway, size, tty):
    """Its end too, of which a terminal has none."""
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "OpenStdin": True, "StdinOnce": True, "Tty": tty,
        "Cmd": ["sh", "-c", "read l; echo ${#l}"] if tty else ["wc", "-c"]}, 201)["Id"]
    before = descriptors(gateway)
    connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1&stdout=1")
    connection.sock.sendall(b"123456789\n" * (size // 10))
    connection.close()
    harness.wait_until(lambda: descriptors(gateway) <= before, 60, "the end of its connection")
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    assert gateway.json("POST", f"/containers/{cid}/wait") == {"StatusCode": 0}
    assert gateway.engine.out("logs", cid).split("\n")[-1].strip() == ("9" if tty else str(size))
    gateway.json("DELETE", f"/containers/{cid}", status=204)


@pytest.mark.parametrize("asks", ["stdout=1", "stdin=1&stdout=1"])
def test_nothing_is_kept_of_a_client_that_is_gone(gateway, running, asks):
    cid = running("sleep 1000", OpenStdin=True)
    before = descriptors(gateway)
    for _ in range(20):
        hijack(gateway, f"/containers/{cid}/attach?stream=1&{asks}").close()
        harness.wait_until(lambda: descriptors(gateway) <= before, 60, "the end of its connection")


@pytest.mark.parametrize("reads", [True, False])
def test_a_wait_is_answered_behind_the_output(gateway, reads):
    """Who is attached may let go of the stream as soon as it hears of the end; one that does not read holds it up for two
    seconds, as with dockerd. The output is more than the client's socket holds, and less than all on the way do."""
    size, seen = 400000, []
    cid = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "Tty": True, "Cmd": ["sh", "-c", f"stty -opost; head -c {size} /dev/zero | tr '\\0' x"]}, 201)["Id"]
    attached = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdout=1")
    reader = threading.Thread(target=lambda: seen.append(read_all(attached)))
    began = time.monotonic()
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    if reads:
        reader.start()
    assert gateway.json("POST", f"/containers/{cid}/wait") == {"StatusCode": 0}
    if not reads:
        assert time.monotonic() - began >= 2
        reader.start()
    reader.join(60)
    assert seen == [b"x" * size]
    attached.close()
    gateway.json("DELETE", f"/containers/{cid}", status=204)
