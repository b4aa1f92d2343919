# SPDX-License-Identifier: Apache-2.0
"""An engine over TLS: who shows a certificate of its CA is served, nobody else."""
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

import pynng
import pytest
import trustme

import harness
from cleat import Client
from cleat.v1 import System, VersionRequest


class Authority:
    """A CA, and directories of certificates it signed, with the names of Docker's files."""

    def __init__(self, folder):
        self.folder, self.ca = folder, trustme.CA()
        folder.mkdir()

    def issue(self, name, identity="localhost", ca=None):
        made = self.ca.issue_cert(identity)
        where = self.folder / name
        where.mkdir()
        (ca or self).ca.cert_pem.write_to_path(where / "ca.pem")
        made.cert_chain_pems[0].write_to_path(where / "cert.pem")
        made.private_key_pem.write_to_path(where / "key.pem")
        return where


class Remote:
    """A `cleat-tls` before an engine, and a user's commands."""

    def __init__(self, engine, theirs, ours):
        self.engine, self.theirs, self.ours, self.reserved = engine, theirs, ours, harness.reserved_port()
        self.port = self.reserved.getsockname()[1]
        self.url = f"tls+tcp://localhost:{self.port}"
        self.process = subprocess.Popen(self.server(), stdin=subprocess.DEVNULL)
        harness.wait_until(self.answers, what="cleat-tls")

    def server(self, **changes):
        arguments = {"listen": f"127.0.0.1:{self.port}", "run": self.engine.run, "tlscacert": self.theirs / "ca.pem",
                     "tlscert": self.theirs / "cert.pem", "tlskey": self.theirs / "key.pem", **changes}
        return [harness.BIN / "cleat-tls", *(f"--{k}={v}" for k, v in arguments.items())]

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 20).close()
        except ConnectionRefusedError:
            return False
        return True

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        self.reserved.close()

    def command(self, *arguments, url=None, files=None):
        files = files or self.ours
        return [str(harness.BIN / "cleat"), "-H", url or self.url, "--tlscacert", files / "ca.pem",
                "--tlscert", files / "cert.pem", "--tlskey", files / "key.pem", *arguments]

    def cleat(self, *arguments, url=None, files=None, **kw):
        return subprocess.run(self.command(*arguments, url=url, files=files), capture_output=True, check=False,
                              timeout=60, **kw)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


@pytest.fixture
def remote(authority, busybox):
    made = Remote(busybox, authority.issue("engine"), authority.issue("user", "someone.example"))
    yield made
    made.close()


def test_commands(remote):
    assert remote.cleat("run", "--rm", "busybox", "echo", "hi").stdout == b"hi\n"
    data = bytes(range(256)) * 8000
    assert remote.cleat("run", "-i", "--rm", "busybox", "cat", input=data).stdout == data
    assert remote.cleat("run", "--rm", "busybox", "sh", "-c", "exit 7").returncode == 7
    assert remote.cleat("ps", "-aq").stdout == b""
    # the files by the environment
    done = subprocess.run([harness.BIN / "cleat", "-H", remote.url, "version", "--format", "{{.Server.Version}}"],
                          env={"CLEAT_CERT_PATH": str(remote.ours)}, capture_output=True, check=True, timeout=60)
    assert done.stdout.strip()
    # no helper is left
    assert not [p for p in harness.processes_below(remote.url) if harness.exe(p) == "cleat-dial"]


def test_who_is_not_let_in(remote, authority, tmp_path):
    stranger = Authority(tmp_path / "other")
    with harness.reserved_port() as nobody:
        refused = remote.cleat("ps", url=f"tls+tcp://localhost:{nobody.getsockname()[1]}")
    checks = [
        # a certificate of another CA
        (remote.cleat("ps", files=stranger.issue("theirs", ca=authority)), "the engine refused this certificate: tlsv1 alert unknown ca"),
        # an engine of another CA than expected
        (remote.cleat("ps", files=authority.issue("wrong", ca=stranger)), "the certificate is not accepted: self-signed"),
        # an engine of another name
        (remote.cleat("ps", url=remote.url.replace("localhost", "127.0.0.1")), "the certificate is not accepted: IP address mismatch"),
        (remote.cleat("ps", files=tmp_path), "no such file"),
        (subprocess.run([harness.BIN / "cleat", "-H", remote.url, "ps"], capture_output=True, check=False,
                        timeout=60, env={}), "needs a CA, a certificate and its key"),
        (refused, "onnection refused"),
    ]
    for done, text in checks:
        error = done.stderr.decode()
        assert done.returncode == 1 and done.stdout == b"" and error.count("\n") == 1, error
        assert text.lower() in error.lower(), error
    # no TLS at all, and TLS without a certificate
    with socket.create_connection(("127.0.0.1", remote.port), 20) as sock:
        try:
            sock.sendall(b"\0SP\0\0\x10\0\0" * 10)
            assert b"SP" not in sock.recv(100)
        except ConnectionResetError:
            pass
    context = ssl.create_default_context(cafile=remote.ours / "ca.pem")
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", remote.port), 20) as sock, \
            context.wrap_socket(sock, server_hostname="localhost") as tls:
        tls.sendall(b"\0SP\0\0\x10\0\0")
        if not tls.recv(8):
            raise ConnectionResetError
    assert remote.cleat("run", "--rm", "busybox", "echo", "on").stdout == b"on\n"


def test_python_client(remote):
    tls = pynng.TLSConfig(pynng.TLSConfig.MODE_CLIENT, server_name="localhost", auth_mode=pynng.TLSConfig.AUTH_MODE_REQUIRED,
                          ca_string=(remote.ours / "ca.pem").read_text(),
                          own_key_string=(remote.ours / "key.pem").read_text(),
                          own_cert_string=(remote.ours / "cert.pem").read_text())
    client = Client(remote.url, tls=tls)
    assert System(client).version(VersionRequest()).version
    client.close()


def test_held_streams_survive_upgrade_and_kill(remote):
    script = "trap 'exit 3' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"
    name = remote.cleat("run", "-d", "busybox", "sh", "-c", script).stdout.decode().strip()
    remote.engine.out("run", "--name", "over", "busybox", "true")
    logs = subprocess.Popen(remote.command("logs", "-f", name), stdout=subprocess.PIPE, bufsize=0)
    wait = subprocess.Popen(remote.command("wait", "over", name), stdout=subprocess.PIPE, bufsize=0)
    first = logs.stdout.readline()
    assert (first, wait.stdout.readline()) == (b"1\n", b"0\n")  # from its first answer on a command waits for the next engine
    done = remote.cleat("system", "upgrade", "--binary", str(harness.BIN / "cleatd"))
    assert done.returncode == 0, done.stderr
    assert remote.cleat("ps", "-q").stdout
    remote.engine.kill()
    remote.engine.start()
    remote.engine.out("kill", "-s", "TERM", name)
    assert wait.communicate(timeout=60)[0] == b"3\n"
    lines = (first + logs.communicate(timeout=60)[0]).split()
    assert lines == [b"%d" % i for i in range(1, len(lines) + 1)] == remote.engine.out("logs", name).encode().split()


def test_interrupt_from_the_terminal(remote):
    """It reaches the whole foreground: the helper must not be of it."""
    script = "trap 'exit 4' INT; echo ready; while :; do sleep 0.02; done"
    with subprocess.Popen(remote.command("run", "--rm", "busybox", "sh", "-c", script), stdout=subprocess.PIPE,
                          start_new_session=True) as process:
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 4


def test_a_stalled_client_and_a_dead_engine(remote):
    """Neither side turns in a circle, and the helper ends with its command."""
    remote.engine.out("run", "-d", "--name", "much", "busybox", "seq", "3000000")
    remote.engine.out("wait", "much")
    stalled = subprocess.Popen(remote.command("logs", "much"), stdout=subprocess.PIPE)
    unread = subprocess.Popen(remote.command("run", "-i", "busybox", "sleep", "1000"), stdin=open("/dev/zero", "rb"))
    ticks = lambda: sum(map(int, pathlib.Path(f"/proc/{remote.process.pid}/stat").read_text(
        encoding="utf-8").rsplit(")", 1)[1].split()[11:13]))

    def rests():
        before = ticks()
        time.sleep(0.5)
        return ticks() - before < 20  # of the 50 of a core; clients look for an engine now and then

    harness.wait_until(rests, what="both have come to a stop")
    remote.engine.kill()
    harness.wait_until(rests, what="nothing to do without an engine")
    for process in (stalled, unread):
        process.kill()
        process.wait()
    stalled.stdout.close()
    harness.wait_until(lambda: not [p for p in harness.processes_below(remote.url) if harness.exe(p) == "cleat-dial"],
                       what="end of the helpers")
    remote.engine.start()


@pytest.mark.parametrize("change,text", [
    ({"tlskey": "/nosuch.pem"}, "open /nosuch.pem: No such file"),
    ({"tlskey": "/etc/passwd"}, "/etc/passwd: no private key in it"),
    ({"tlscacert": "/etc/passwd"}, "/etc/passwd: no certificate in it"),
    ({"listen": "127.0.0.1:99999"}, "--listen 127.0.0.1:99999: not HOST:PORT"),
    ({"listen": "here"}, "--listen here: not HOST:PORT"),
    ({"run": "/nosuch"}, "open /nosuch: No such file"),
    ({}, "Address already in use"),
])
def test_bad_arguments(remote, change, text):
    done = subprocess.run(remote.server(**change), capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1 and text in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_no_engine(remote):
    remote.engine.kill()
    done = remote.cleat("ps")
    assert done.returncode == 1 and b"connection closed" in done.stderr, done.stderr
    remote.engine.start()
    assert remote.cleat("ps").returncode == 0


def test_silent_clients_keep_nobody_out(remote):
    """Neither clients that say nothing nor those that stop in the handshake, however many they are."""
    silent = [socket.create_connection(("127.0.0.1", remote.port), 20) for _ in range(600)]
    for sock in silent[::2]:
        sock.sendall(b"\x16\x03\x01\x02\x00")
    done = remote.cleat("run", "--rm", "busybox", "echo", "hi")
    assert done.stdout == b"hi\n", (done.returncode, done.stderr)
    for sock in silent:
        sock.close()
    harness.wait_until(lambda: len(list(pathlib.Path(f"/proc/{remote.process.pid}/task").iterdir())) == 1,
                       what="end of their threads")
