# SPDX-License-Identifier: Apache-2.0
"""Streams that HTTP clients hold while the engine is killed, and while it is upgraded: they see nothing of it."""
import concurrent.futures
import contextlib
import itertools
import json
import signal
import socket
import subprocess
import threading
import time

import docker
import pytest

import harness
from gateway import Unix, hijack, read_all

COUNT = "i=0; while [ ! -e /told/stop ]; do i=$((i+1)); echo $i; sleep 0.01; done; touch /told/stopped; exit 6"


def kill(engine, meanwhile):
    engine.kill(signal.SIGKILL)
    meanwhile()
    engine.start()


def upgrade(engine, meanwhile):
    engine.out("system", "upgrade", "--binary", harness.BIN / "cleatd")
    meanwhile()
    harness.wait_until(lambda: len(engine.engine_pids()) == 1, what="end of the drained engine")


@pytest.fixture(params=[kill, upgrade], ids=["kill", "upgrade"])
def replace(gateway, request):
    """Another engine takes over; called with what is done while there is none, or there are two."""
    return lambda meanwhile=lambda: None: request.param(gateway.engine, meanwhile)


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(4) as p:
        yield p


@pytest.fixture
def client(gateway, pool):  # pylint: disable=unused-argument
    # the pool's threads wait for these containers: it ends after them
    c = docker.DockerClient(base_url=f"unix://{gateway.path}", timeout=60)
    yield c
    for container in c.containers.list(all=True):
        container.remove(force=True, v=True)
    c.close()


@pytest.fixture
def stop(tmp_path):
    """Lets a counter end, and waits until it has written all."""
    def tell():
        (tmp_path / "stop").touch()
        harness.wait_until((tmp_path / "stopped").exists, 60, "the counter's end")
    return tell


@pytest.fixture
def counter(client, tmp_path):
    """A container that counts, not started."""
    return client.containers.create("busybox", ["sh", "-c", COUNT], volumes={str(tmp_path): {"bind": "/told", "mode": "rw"}})


def numbers(chunks):
    return [int(n) for n in b"".join(chunks).split()]


def take(stream, number):
    """What comes until `number` has come."""
    parts = []
    while b"\n%d\n" % number not in b"\n" + b"".join(parts):
        parts.append(next(stream))
    return parts


@pytest.mark.parametrize("open_stream", [
    lambda c: c.logs(stream=True, follow=True), lambda c: c.attach(stream=True, stdout=True, stderr=True, logs=True)],
    ids=["logs", "attach"])
def test_output(counter, replace, stop, open_stream):
    """What is written while no engine is there comes too, and nothing twice."""
    counter.start()
    stream = open_stream(counter)
    seen = take(stream, 20)
    replace()
    seen += take(stream, numbers(seen)[-1] + 20)
    replace(stop)
    seen = numbers(itertools.chain(seen, stream))
    assert seen == list(range(1, len(seen) + 1))


@pytest.mark.parametrize("turn", range(4))  # each with a log that is short yet
def test_the_log_and_live_output_meet(client, turn):
    """Each line once, wherever the container is when somebody attaches with its log."""
    most = 100000  # or a machine that is slow to read never comes to the end, and the first are gone
    script = f"i=0; while [ $i -lt {most} ]; do i=$((i+1)); echo $i; [ $((i%10)) = 0 ] && sleep 0.001; done; exec sleep 1000"
    container = client.containers.run("busybox", ["sh", "-c", script], detach=True)
    for _ in range(10):
        lines = min(container.logs().count(b"\n") + 50, most)
        parts = []
        for part in container.attach(stream=True, stdout=True, stderr=True, logs=True):
            parts.append(part)
            lines -= part.count(b"\n")
            if lines <= 0:
                break
        seen = numbers([b"".join(parts).rpartition(b"\n")[0]])
        assert seen == list(range(1, len(seen) + 1))
    container.remove(force=True)


def test_wait(gateway, counter, replace, stop, pool):
    counter.start()
    waiting = pool.submit(counter.wait)
    with contextlib.closing(Unix(gateway.path)) as next_exit:
        next_exit.request("POST", f"/containers/{counter.id}/wait?condition=next-exit")
        reply = next_exit.getresponse()  # its head tells that the wait has begun, which docker-py's does not
        replace()
        replace(stop)
        assert json.loads(reply.read())["StatusCode"] == 6
    assert waiting.result(60)["StatusCode"] == 6


def test_events(client, counter, replace, stop, pool):
    stream = client.events(decode=True, filters={"type": "container"})

    def until(cid, action):
        for event in stream:
            seen.append((event["Actor"]["ID"], event["Action"]))
            if seen[-1] == (cid, action):
                return seen

    seen = []
    before = client.containers.create("busybox")
    counter.start()
    until(counter.id, "start")  # the shim's word, as "die" is: what the engine does itself may be told before
    before.remove()
    until(before.id, "destroy")
    replace(stop)
    pool.submit(until, counter.id, "die").result(60)  # which a new engine finds while it serves already
    after = client.containers.create("busybox")
    after.remove()
    assert pool.submit(until, after.id, "destroy").result(60) == [
        *((before.id, "create"),), (counter.id, "start"), (before.id, "destroy"), (counter.id, "die"),
        (after.id, "create"), (after.id, "destroy")]


def test_stats(client, counter, replace, stop):
    counter.start()
    stream = counter.stats(stream=True, decode=True)
    samples = [next(stream) for _ in range(2)]
    replace()
    samples += [next(stream) for _ in range(3)]
    stop()
    times = [s["read"] for s in samples]
    assert times == sorted(set(times))
    used = [s["cpu_stats"]["cpu_usage"]["total_usage"] for s in samples]
    assert used == sorted(used) and used[0] > 0
    assert all(s["precpu_stats"]["cpu_usage"]["total_usage"] > 0 for s in samples[1:])


def cat_of_attach(gateway, client):
    made = client.api.create_container("busybox", ["sh", "-c", "cat; exit 5"], stdin_open=True)
    connection = hijack(gateway, f"/containers/{made['Id']}/attach?stream=1&stdin=1&stdout=1&stderr=1")
    client.api.start(made["Id"])
    return connection, lambda: client.api.wait(made["Id"])["StatusCode"]


def cat_of_exec(gateway, client):
    container = client.containers.run("busybox", "sleep 1000", detach=True)
    eid = client.api.exec_create(container.id, ["sh", "-c", "cat; exit 5"], stdin=True)["Id"]
    return hijack(gateway, f"/exec/{eid}/start", b"{}"), lambda: client.api.exec_inspect(eid)["ExitCode"]


@pytest.mark.parametrize("cat", [cat_of_attach, cat_of_exec], ids=["attach", "exec"])
def test_both_directions(gateway, client, replace, cat):
    """What is typed before, while there is no engine, and after arrives once, and then the end of it."""
    connection, exit_code = cat(gateway, client)

    def type_in(text):
        connection.sock.sendall(text)

    def come(text):
        data = b""
        while len(data) < 8 + len(text):
            part = connection.sock.recv(8 + len(text) - len(data))
            assert part, data
            data += part
        assert unframed(data) == text

    type_in(b"before\n")
    come(b"before\n")
    replace(lambda: type_in(b"meanwhile\n"))
    come(b"meanwhile\n")
    replace()
    type_in(b"after\n")
    connection.sock.shutdown(socket.SHUT_WR)
    assert unframed(read_all(connection)) == b"after\n"
    assert exit_code() == 5


class Typist(threading.Thread):
    """Types lines without a pause until told to stop."""

    def __init__(self, write):
        super().__init__()
        self.write, self.stopped, self.lines = write, threading.Event(), 0

    def run(self):
        while not self.stopped.is_set():
            self.write(b"".join(b"%d\n" % n for n in range(self.lines, self.lines + 50)))
            self.lines += 50


def gateway_run(gateway, _):
    made = gateway.json("POST", "/containers/create", {
        "Image": "busybox", "Cmd": ["cat"], "OpenStdin": True, "StdinOnce": True}, 201)["Id"]
    connection = hijack(gateway, f"/containers/{made}/attach?stream=1&stdin=1&stdout=1")
    gateway.json("POST", f"/containers/{made}/start", status=204)
    return over(connection)


def gateway_exec(gateway, container):
    eid = gateway.json("POST", f"/containers/{container.id}/exec", {
        "Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True}, 201)["Id"]
    return over(hijack(gateway, f"/exec/{eid}/start", b"{}"))


def over(connection):
    return (connection.sock.sendall, lambda: connection.sock.shutdown(socket.SHUT_WR),
            lambda: unframed(read_all(connection)), connection.close)


def client_run(gateway, _):
    return by(gateway.engine.popen("run", "-i", "--rm", "busybox", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE))


def client_exec(gateway, container):
    return by(gateway.engine.popen("exec", "-i", container.id, "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE))


def by(process):
    def close():
        process.kill()
        process.wait()

    def read():
        data = process.stdout.read()
        assert process.wait(60) == 0  # a container of "run --rm" is gone then
        return data

    harness.wait_for_connection(process)
    return process.stdin.write, process.stdin.close, read, close


@pytest.mark.parametrize("begin", [gateway_run, gateway_exec, client_run, client_exec])
def test_input_under_way(gateway, client, replace, pool, begin):
    """Each byte once, in order, whatever of it was between client and container when its engine went."""
    container = client.containers.run("busybox", "sleep 1000", detach=True)
    write, end, output, close = begin(gateway, container)
    try:
        came, typist = pool.submit(output), Typist(write)
        typist.start()
        for _ in range(3):
            time.sleep(0.05)
            replace()
        typist.stopped.set()
        typist.join()
        end()
        assert came.result(60) == b"".join(b"%d\n" % n for n in range(typist.lines))
    finally:
        close()


def test_an_exec_that_has_written_nothing_goes_on(gateway, client, replace):
    container = client.containers.run("busybox", "sleep 1000", detach=True)
    process = gateway.engine.popen("exec", "-i", container.id, "sh", "-c", "touch /begun; cat", stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
    try:
        harness.wait_until(lambda: container.exec_run(["test", "-e", "/begun"]).exit_code == 0, what="the exec")
        replace()
        replace()
        assert process.communicate(b"typed", 60)[0] == b"typed" and process.returncode == 0
    finally:
        process.kill()
        process.wait()


def unframed(data):
    output = b""
    while data:
        size = int.from_bytes(data[4:8], "big")
        assert data[:4] == b"\1\0\0\0", data[:8]
        output, data = output + data[8:8 + size], data[8 + size:]
    return output
