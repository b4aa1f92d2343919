# SPDX-License-Identifier: Apache-2.0
"""The gateway over TLS as dockerd has it: who shows a certificate of its CA is served, nobody else."""
import contextlib
import datetime
import io
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tarfile
import threading

import docker
import pytest
import trustme

import gateway as gateways
import harness
import netns
import transcript

DAY = datetime.timedelta(days=1)
needs_docker = pytest.mark.skipif(not shutil.which("docker"), reason="no docker client on this machine")


class Files:
    """A CA, and directories with Docker's names of what it signed: ca.pem, cert.pem, key.pem."""

    def __init__(self, folder):
        self.folder, self.ca = folder, trustme.CA()
        folder.mkdir()

    def issue(self, name, *identities, ca=None, **kw):
        where = self.folder / name
        where.mkdir(exist_ok=True)
        made = self.ca.issue_cert(*(identities or [f"{name}.example"]), common_name=name, **kw)
        (ca or self).ca.cert_pem.write_to_path(where / "ca.pem")
        made.cert_chain_pems[0].write_to_path(where / "cert.pem")
        (where / "key.pem").touch(0o600)
        made.private_key_pem.write_to_path(where / "key.pem")
        return where


def options(files, *names):
    return [f"--tls{name}={files}/{file}.pem" for name, file in (("cacert", "ca"), ("cert", "cert"), ("key", "key"))
            if not names or name in names]


def answers(port):
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 60):
        return True
    return False


class Secured(gateways.Gateway):
    """A gateway with a TLS listener, and a user's certificate."""

    def __init__(self, engine, theirs, ours, *arguments, name="tls.sock", **kw):
        self.held, self.theirs, self.ours = harness.reserved_port(), theirs, ours
        self.port = self.held.getsockname()[1]
        super().__init__(engine, f"--listen=tcp://127.0.0.1:{self.port}", "--tlsverify", *options(theirs), *arguments, name=name, **kw)
        harness.wait_until(lambda: answers(self.port), 60, "the TLS listener")
        with self.dial(ours):  # it listens before it has read its files
            pass

    def close(self):
        super().close()
        self.held.close()

    @property
    def url(self):
        return f"tcp://localhost:{self.port}"

    def command(self, *arguments, files=None):
        files = files or self.ours
        return ["docker", "-H", self.url, "--tlsverify", *options(files), *arguments]

    def docker(self, *arguments, files=None, **kw):
        return subprocess.run(self.command(*arguments, files=files), capture_output=True, timeout=120, check=False, **kw)

    def context(self, files=None):
        context = ssl.create_default_context(cafile=self.ours / "ca.pem")
        if files:
            context.load_cert_chain(files / "cert.pem", files / "key.pem")
        return context

    def dial(self, files=None, context=None):
        sock = socket.create_connection(("127.0.0.1", self.port), 60)
        return (context or self.context(files)).wrap_socket(sock, server_hostname="localhost")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture(scope="module")
def theirs(files):
    return files.issue("engine", "localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def ours(files):
    return files.issue("user")


@pytest.fixture(scope="module")
def secured(gateway, theirs, ours, tmp_path_factory):
    made = Secured(gateway.engine, theirs, ours, "--access-log", tmp_path_factory.mktemp("log") / "access")
    yield made
    made.close()


@pytest.fixture
def alone(gateway, theirs, ours):
    """For a client whose connections may stay as long as what belongs to them is not collected."""
    made = Secured(gateway.engine, theirs, ours, name="alone.sock")
    yield made
    made.close()


def connections_of(gateway):
    """With the one that asks."""
    return int(re.search(rb"^cleat_gateway_connections (\d+)$", gateway.ask("GET", "/metrics")[2], re.M)[1])


def request(sock, path="/_ping", head=b""):
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode() + head + b"\r\n")
    data = b""
    while part := sock.recv(65536):
        data += part
    return data


# ---- Docker's own clients


@needs_docker
@pytest.mark.parametrize("name", ["build", "containers", "system", "terminals"])
def test_transcript(name, theirs, ours, layer_driver):  # pylint: disable=unused-argument
    """What the command line does over the UNIX socket it does here: run, exec, attach, logs, events, cp, build, ..."""
    parts = transcript.parse((transcript.FOLDER / f"{name}.txt").read_text(encoding="utf-8"))
    with netns.Netns() as ns, harness.Engine(netns=ns.name) as engine:
        engine.load_busybox()
        made = Secured(engine, theirs, ours)
        try:
            with transcript.Session(made.url, {"DOCKER_TLS_VERIFY": "by certificates", "DOCKER_CERT_PATH": str(ours)}) as session:
                assert transcript.shown(session.play(parts)) == transcript.shown(parts)
        finally:
            made.close()


@needs_docker
@pytest.mark.parametrize("size", [0, 5, 3000000])
def test_the_end_of_the_input_ends_one_direction(secured, size):
    """In TLS' own words, not the socket's: the answer is still to come."""
    data = os.urandom(size)
    script = "cat > /in; cat /in; echo end; exit 3"
    done = secured.docker("run", "-i", "--rm", "busybox", "sh", "-c", script, input=data)
    assert (done.stdout, done.returncode) == (data + b"end\n", 3), done.stderr
    cid = secured.docker("run", "-d", "busybox", "sleep", "1000").stdout.decode().strip()
    done = secured.docker("exec", "-i", cid, "sh", "-c", script, input=data)
    assert (done.stdout, done.returncode) == (data + b"end\n", 3), done.stderr
    assert secured.docker("rm", "-f", cid).returncode == 0


@needs_docker
def test_both_directions_at_once(secured):
    data = os.urandom(8 << 20)
    done = secured.docker("run", "-i", "--rm", "busybox", "cat", input=data)
    assert done.stdout == data and done.returncode == 0


@needs_docker
def test_a_client_that_is_killed_is_gone(secured):
    """The end of its connection without TLS' is no end of input that anybody acts on."""
    cid = secured.docker("create", "-i", "busybox", "sh", "-c", "cat; echo ended; exec sleep 1000").stdout.decode().strip()
    with subprocess.Popen(secured.command("start", "-ai", cid), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        client.stdin.write(b"typed\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"typed\n"
        client.kill()
    harness.wait_until(lambda: connections_of(secured) == 1, 60, "its connection's end")
    assert secured.docker("logs", cid).stdout == b"typed\n"
    assert secured.docker("rm", "-f", cid).returncode == 0


def test_a_client_without_input_is_gone(secured, ours):
    """Though its container writes nothing."""
    cid = secured.docker("run", "-d", "busybox", "sleep", "1000").stdout.decode().strip()
    harness.wait_until(lambda: connections_of(secured) == 1, 60, "the end of all but the one that asks")
    with secured.dial(ours) as sock:
        sock.sendall(f"POST /containers/{cid}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                     "Upgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 101 ")
        harness.wait_until(lambda: connections_of(secured) == 2, 60, "the end of who asked before")
        sock.shutdown(socket.SHUT_RDWR)  # without a word of TLS, as one that is killed
    harness.wait_until(lambda: connections_of(secured) == 1, 60, "its connection's end")
    assert secured.docker("rm", "-f", cid).returncode == 0


def test_docker_py(alone, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)  # they would go before the configuration
    files = alone.ours
    tls = docker.tls.TLSConfig(client_cert=(str(files / "cert.pem"), str(files / "key.pem")), ca_cert=str(files / "ca.pem"),
                               verify=True)
    client = docker.DockerClient(base_url=alone.url, tls=tls, timeout=60)
    events = client.events(decode=True, filters={"type": "container"})
    assert client.containers.run("busybox", "echo hi", remove=True) == b"hi\n"
    assert next(events)["Action"] == "create"
    events.close()
    c = client.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; done; read x; echo $x; exec sleep 1000"],
                              detach=True, stdin_open=True)
    attached = c.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    attached.sendall(b"typed\n")
    lines = c.logs(stream=True, follow=True)
    seen = b""
    while seen.count(b"\n") < 4:
        seen += next(lines)
    assert seen == b"1\n2\n3\ntyped\n"
    attached.close()
    for n in (0, 1, 100000):
        code, (out, err) = c.exec_run(["sh", "-c", f"head -c {n} /dev/zero; echo e >&2; exit 4"], demux=True)
        assert (code, out or b"", err) == (4, b"\0" * n, b"e\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("large")
        info.size = 20000000
        tar.addfile(info, io.BytesIO(bytes(info.size)))
    assert c.put_archive("/tmp", packed.getvalue())
    parts, stat = c.get_archive("/tmp/large")
    assert stat["size"] == 20000000 and sum(map(len, parts)) > 20000000
    c.remove(force=True)
    client.close()


def test_a_slow_reader_has_all_of_a_raw_stream(secured):
    """Through a small buffer, so that the gateway has to wait within records again and again."""
    body = {"Image": "busybox", "Tty": True, "Cmd": ["sh", "-c", "read x; i=0; while [ $i -lt 40000 ]; do echo $i-0123456789; i=$((i+1)); done"],
            "OpenStdin": True}
    cid = secured.json("POST", "/containers/create", body, 201)["Id"]
    secured.json("POST", f"/containers/{cid}/start", status=204)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", secured.port))
    with secured.context(secured.ours).wrap_socket(plain, server_hostname="localhost") as sock:
        sock.sendall(f"POST /containers/{cid}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += sock.recv(1)
        assert data.startswith(b"HTTP/1.1 200 OK\r\n")
        sock.sendall(b"go\n")
        data = b""
        while part := sock.recv(3000):
            data += part
    assert data.split() == [b"go", *(b"%d-0123456789" % i for i in range(40000))]
    secured.json("DELETE", f"/containers/{cid}", status=204)


# ---- who is let in


@pytest.mark.parametrize("how", ["nothing", "other CA", "expired", "not yet", "for servers"])
def test_who_is_refused(secured, files, tmp_path, how):
    now = datetime.datetime.now(datetime.timezone.utc)
    shown, told = {
        "nothing": lambda: (None, "certificate.required|handshake.failure"),
        "other CA": lambda: (Files(tmp_path / "x").issue("stranger", ca=files), "unknown.ca"),
        "expired": lambda: (files.issue("late", not_before=now - 2 * DAY, not_after=now - DAY), "certificate.expired"),
        "not yet": lambda: (files.issue("early", not_before=now + DAY, not_after=now + 2 * DAY), "bad.certificate"),
        "for servers": lambda: (for_servers(files), "bad.certificate"),
    }[how]()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = secured.context(shown)
        context.minimum_version = context.maximum_version = version
        with pytest.raises(ssl.SSLError) as caught, secured.dial(context=context) as sock:
            sock.recv(1)  # in TLS 1.3 the server has the last word
        assert re.search(told, str(caught.value), re.I), caught.value
    with secured.dial(secured.ours) as sock:
        assert request(sock).endswith(b"OK")


def for_servers(files):
    """A certificate that is no client's, by its extended key usage."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    now, key = datetime.datetime.now(datetime.timezone.utc), ec.generate_private_key(ec.SECP256R1())
    ca = x509.load_pem_x509_certificate(files.ca.cert_pem.bytes())
    ca_key = serialization.load_pem_private_key(files.ca.private_key_pem.bytes(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
    cert = (x509.CertificateBuilder(ca.subject, name, key.public_key(), 7, now - DAY, now + DAY)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), True).sign(ca_key, hashes.SHA256()))
    where = files.folder / "server"
    where.mkdir(exist_ok=True)
    (where / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (where / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                      serialization.NoEncryption()))
    return where


@pytest.mark.parametrize("arguments,works", [
    (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False), (["-tls1_2"], True), (["-tls1_3"], True),
    (["-tls1_2", "-cipher", "AES128-SHA"], False), (["-tls1_2", "-cipher", "ECDHE+AESGCM"], True),
], ids=["1.1", "1.2", "1.3", "no forward secrecy", "ECDHE"])
def test_versions_and_ciphers(secured, arguments, works):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{secured.port}", "-cert", secured.ours / "cert.pem", "-key",
                           secured.ours / "key.pem", "-quiet", *arguments], input=b"GET /_ping HTTP/1.0\r\n\r\n",
                          capture_output=True, timeout=60, check=False)
    assert done.stdout.endswith(b"\r\n\r\nOK") == works, done


def test_plain_http_is_no_handshake(secured):
    with socket.create_connection(("127.0.0.1", secured.port), 60) as sock:
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while data := sock.recv(4096):
                assert b"HTTP" not in data


def test_who_says_nothing_neither_stays_nor_hinders(secured):
    silent = [socket.create_connection(("127.0.0.1", secured.port), 60) for _ in range(200)]
    silent[-1].sendall(b"\x16\x03\x01\x02\0")  # the begin of a handshake
    with secured.dial(secured.ours) as sock:
        assert request(sock).endswith(b"OK")
    for sock in silent:
        assert sock.recv(1) == b""
        sock.close()


def test_log_and_counts(secured):
    def counts():
        found = re.findall(rb'^cleat_gateway_tls_handshakes_total\{result="(\w+)"\} (\d+)$', secured.ask("GET", "/metrics")[2], re.M)
        return {key.decode(): int(number) for key, number in found}

    # a handshake is counted when the server has the last of it, or at the connection's end
    harness.wait_until(lambda: connections_of(secured) == 1, 60, "the end of the connections of before")
    before = counts()
    with secured.dial(secured.ours) as sock:
        assert request(sock, "/_ping?with=certificate").endswith(b"OK")
    with pytest.raises(OSError), secured.dial() as sock:
        request(sock)
        raise ConnectionResetError
    harness.wait_until(lambda: counts() == {"done": before["done"] + 1, "failed": before["failed"] + 1}, 60, "the counts")
    log = next(a for a in secured.process.args if str(a).endswith("/access"))
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "client=127.0.0.1:" in line]
    assert all(re.search(r' subject="(.*,)?CN=user(,.*)?" method=', line) for line in lines), lines


@pytest.mark.parametrize("head,status", [
    (b"Host: server.example:2376\r\n", 200), (b"Host: x\r\nOrigin: http://evil.example\r\n", 403),
    (b"Host: x\r\nSec-Fetch-Site: cross-site\r\n", 403),
], ids=["name", "origin", "fetch metadata"])
def test_a_page_of_a_browser_is_refused(secured, head, status):
    with secured.dial(secured.ours) as sock:
        sock.sendall(b"GET /_ping HTTP/1.1\r\n" + head + b"\r\n")
        assert sock.recv(12) == b"HTTP/1.1 %d" % status


# ---- how it is begun


def refused_start(tmp_path, *arguments):
    done = subprocess.run([harness.BIN / "cleat-gateway", "--run", tmp_path, *arguments], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode in (1, 2) and done.stderr.startswith("cleat-gateway: "), done
    return done.stderr


@pytest.mark.parametrize("arguments,told", [
    (["--tlsverify"], "need --tlscert and --tlskey"), (["--tls", "--tlskey=x"], "need --tlscert and --tlskey"),
    (["--tlsverify", "--tlscert=x", "--tlskey=x"], "--tlsverify needs --tlscacert"),
    (["--tlscert=x"], "need --tlsverify or --tls"), (["--tlscert"], "its value is missing"),
    (["--listen=tcp://0.0.0.0:0", "--tls", "--tlscert=x", "--tlskey=x"], "with --tlsverify"),
    (["--listen=tcp://127.0.0.1:0", "--tls", "--tlscert=x", "--tlskey=x"], "--unauthenticated-loopback-tcp"),
])
def test_options_that_are_refused(tmp_path, arguments, told):
    assert told in refused_start(tmp_path, *arguments)


@pytest.mark.parametrize("change,told", [
    (lambda f, other: (f / "key.pem").chmod(0o644), "key.pem is open to every user"),
    (lambda f, other: (f / "key.pem").unlink(), "key.pem: No such file"),
    (lambda f, other: (f / "cert.pem").unlink(), "cert.pem: No such file"),
    (lambda f, other: (f / "ca.pem").unlink(), "ca.pem: No such file"),
    (lambda f, other: shutil.copy(other / "key.pem", f / "key.pem"), "key.pem is not the key of the certificate"),
    (lambda f, other: (f / "ca.pem").write_text("none"), "ca.pem: no certificate in PEM"),
], ids=["open key", "no key", "no certificate", "no CA", "other key", "no PEM"])
def test_files_that_are_refused(files, ours, tmp_path, change, told):
    served = shutil.copytree(files.issue("refused", "localhost"), tmp_path / "refused")
    change(served, ours)
    sock = tmp_path / "some.sock"
    error = refused_start(tmp_path, f"--listen=unix:{sock}", "--listen=tcp://127.0.0.1:0", "--tlsverify", *options(served))
    assert told in error and error.count("\n") == 1 and not sock.exists()


def test_the_user_that_serves_reads_the_files(ours, tmp_path):
    """So that the first one does not begin what no successor could go on with."""
    error = refused_start(tmp_path, "--listen=tcp://127.0.0.1:0", "--tlsverify", *options(ours), "--user=nobody")
    assert "Permission denied" in error and error.count("\n") == 1


def test_a_socket_from_systemd_has_no_other_rules(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        command = (f"import os; os.dup2({listener.fileno()}, 3); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
                   f"os.execv({str(harness.BIN / 'cleat-gateway')!r}, ['cleat-gateway', '--run', {str(tmp_path)!r}])")
        done = subprocess.run(["python3", "-c", command], pass_fds=[listener.fileno()], capture_output=True, text=True,
                              timeout=60, check=False)
    assert done.returncode == 1 and "whoever reaches it is as root" in done.stderr


def test_without_verification_only_this_machine_is_served(gateway, theirs):
    held = harness.reserved_port()
    port = held.getsockname()[1]
    made = gateways.Gateway(gateway.engine, f"--listen=tcp://127.0.0.1:{port}", "--unauthenticated-loopback-tcp", "--tls",
                            *options(theirs), name="unverified.sock")
    try:
        harness.wait_until(lambda: answers(port), 60, "the TLS listener")
        context = ssl.create_default_context(cafile=theirs / "ca.pem")
        for host, status in (("localhost", b"200"), ("rebound.example", b"403")):
            with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 60), server_hostname="localhost") as sock:
                sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
                assert sock.recv(12) == b"HTTP/1.1 " + status
    finally:
        made.close()
        held.close()


@needs_docker
def test_another_machine_is_served(gateway, files, ours):
    """At an address that is not of the loopback net; each machine is a network namespace."""
    path = gateway.engine.run / "lan.sock"
    with netns.Netns() as here, netns.Netns() as there:
        address, _ = here.cable(there, "10.77.0")
        served = files.issue("lan", address)
        with subprocess.Popen(here.inside(harness.BIN / "cleat-gateway", "--run", gateway.engine.run, f"--listen=unix:{path}",
                                          "--listen=tcp://0.0.0.0:2376", "--tlsverify", *options(served))) as process:
            harness.wait_until(lambda: here.run("ss", "-Hltn", "sport", "=", ":2376").stdout, 60, "the listener")
            done = there.run("docker", "-H", f"tcp://{address}:2376", "--tlsverify", *options(ours), "run", "--rm", "busybox",
                             "echo", "hi")
            process.terminate()
            process.wait(60)
    assert done.stdout == "hi\n", done.stderr
    assert not path.exists()


# ---- handing over


def gateways_of(run):
    return [p for p in harness.processes_below(str(run)) if harness.exe(p) == "cleat-gateway"]


@pytest.fixture
def renewed(busybox, files, ours):
    """A gateway of its own, with certificates that a test may change; its successors are ended too."""
    made = Secured(busybox, files.issue("renewed", "localhost"), ours, stderr=subprocess.PIPE)
    yield made
    for pid in gateways_of(busybox.run):
        os.kill(pid, signal.SIGTERM)
    made.process.wait(60)
    made.process.stderr.close()
    harness.wait_until(lambda: not gateways_of(busybox.run), 60, "end of the successors")


def test_a_successor_has_new_certificates_and_streams_go_on(renewed, files):
    cid = renewed.json("POST", "/containers/create", {"Image": "busybox", "OpenStdin": True, "Tty": True, "Cmd": ["cat"]}, 201)["Id"]
    renewed.json("POST", f"/containers/{cid}/start", status=204)
    attached, ends, seen = renewed.dial(renewed.ours), threading.Event(), []
    attached.sendall(f"POST /containers/{cid}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n"
                     "Connection: Upgrade\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += attached.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ") and b"\r\nUpgrade: tcp\r\n" in head

    def certificate():
        with renewed.dial(renewed.ours) as sock:
            assert request(sock).endswith(b"OK")
            return sock.getpeercert(True)

    def ask():
        while not ends.is_set():
            seen.append(certificate())

    before = certificate()
    asking = threading.Thread(target=ask)
    asking.start()
    files.issue("renewed", "localhost")
    renewed.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: certificate() != before, 60, "the new certificate")
    ends.set()
    asking.join()
    assert seen and set(seen) <= {before, certificate()}
    attached.sendall(b"still here\n")
    data = b""
    while data.count(b"still here") < 2:
        data += (part := attached.recv(4096))
        assert part
    attached.close()
    assert renewed.process.wait(60) == 0


def test_a_successor_with_bad_files_does_not_take_over(renewed, ours):
    good = (renewed.theirs / "key.pem").read_bytes()
    shutil.copy(ours / "key.pem", renewed.theirs / "key.pem")
    renewed.process.send_signal(signal.SIGHUP)
    assert "key.pem is not the key of the certificate" in renewed.process.stderr.readline()
    assert "serving on: " in renewed.process.stderr.readline()
    with renewed.dial(renewed.ours) as sock:
        assert request(sock).endswith(b"OK")
    assert gateways_of(renewed.engine.run) == [renewed.process.pid]
    (renewed.theirs / "key.pem").write_bytes(good)
    renewed.process.send_signal(signal.SIGHUP)
    assert renewed.process.wait(60) == 0
    with renewed.dial(renewed.ours) as sock:
        assert request(sock).endswith(b"OK")
