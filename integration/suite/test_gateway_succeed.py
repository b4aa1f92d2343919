# SPDX-License-Identifier: Apache-2.0
"""A gateway that goes over to a new process: the socket stays the same one, and nobody finds it closed."""
import os
import signal
import socket
import subprocess
import threading

import pytest

import harness
from gateway import Gateway


def gateways_of(run):
    return [p for p in harness.processes_below(str(run)) if harness.exe(p) == "cleat-gateway"]


@pytest.fixture
def other(gateway):
    """A gateway whose successors are ended too."""
    g = Gateway(gateway.engine, name="succeeded.sock")
    yield g
    for pid in [p for p in gateways_of(gateway.engine.run) if p != gateway.process.pid]:
        os.kill(pid, signal.SIGTERM)
    g.process.wait(30)
    harness.wait_until(lambda: gateways_of(gateway.engine.run) == [gateway.process.pid], 60, "end of the successors")
    g.path.unlink(missing_ok=True)


def succeed(other):
    """The first gateway's process is told to go over; returns once only the successor listens."""
    before = set(gateways_of(other.engine.run))
    other.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: set(gateways_of(other.engine.run)) - before, 60, "a successor")


def test_whoever_has_the_file_mounted_reaches_the_successor(other, tmp_path):
    inode, mounted = other.path.stat().st_ino, tmp_path / "docker.sock"
    mounted.touch()
    script = (f"mount --bind {other.path} {mounted} && echo ready && read _ && "
              f"exec curl -sS --max-time 60 --unix-socket {mounted} http://d/_ping")
    with subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as inside:
        assert inside.stdout.readline() == "ready\n"
        succeed(other)
        assert other.process.wait(60) == 0
        assert other.path.stat().st_ino == inode
        assert inside.communicate("\n", timeout=60)[0] == "OK"


def test_no_request_is_refused_and_streams_go_on(other):
    cid = other.json("POST", "/containers/create", {"Image": "busybox", "Tty": True, "OpenStdin": True, "Cmd": ["cat"]}, 201)["Id"]
    attached = socket.socket(socket.AF_UNIX)
    attached.settimeout(60)
    attached.connect(str(other.path))
    attached.sendall(f"POST /containers/{cid}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n"
                     "Connection: Upgrade\r\n\r\n".encode())
    assert attached.recv(12) == b"HTTP/1.1 101"
    other.json("POST", f"/containers/{cid}/start", status=204)
    end, seen = threading.Event(), []

    def ask():
        while not end.is_set():
            seen.append(other.ask("GET", "/containers/json")[0])

    asking = threading.Thread(target=ask)
    asking.start()
    succeed(other)
    harness.wait_until(lambda n=len(seen): len(seen) > n + 50, 60, "requests to the successor")
    end.set()
    asking.join()
    assert set(seen) == {200}
    attached.sendall(b"still here\n")
    data = b""
    while data.count(b"still here") < 2:
        data += attached.recv(4096)
    attached.close()
    assert other.process.wait(60) == 0  # with its last connection
    other.json("DELETE", f"/containers/{cid}?force=1", status=204)


def test_a_socket_from_systemd_is_served_and_kept(gateway, tmp_path):
    path = tmp_path / "given.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        command = (f"import os; os.dup2({listener.fileno()}, 3); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
                   f"os.execv({str(harness.BIN / 'cleat-gateway')!r}, ['cleat-gateway', '--run', {str(gateway.engine.run)!r}])")
        with subprocess.Popen(["python3", "-c", command], pass_fds=[listener.fileno()]) as process:
            asked = subprocess.run(["curl", "-sS", "--max-time", "60", "--unix-socket", path, "http://d/_ping"],
                                   capture_output=True, text=True, check=True)
            process.terminate()
            process.wait(30)
        assert asked.stdout == "OK" and path.exists()
