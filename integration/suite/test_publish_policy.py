# SPDX-License-Identifier: Apache-2.0
"""Ports that a socket of the shim listens at: all under the publish-policy input, where the host's rules for what comes in
decide, and those of ::1. The host is a network namespace of the test's own, and so is the LAN."""
import contextlib
import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import threading

import harness
import netinventory
import netns
import pytest

CLOSED = ("table inet host { chain input { type filter hook input priority filter; policy drop; ct state established,related "
          "accept; iif lo accept; meta l4proto icmpv6 accept; }; }")


@pytest.fixture
def lan(ns):
    """Another machine; 10.99.0.1 and fd99::1 are the host, .2 and ::2 are there."""
    with netns.Netns() as n:
        ns.cable(n, "10.99.0")
        for side, number in ((ns, 1), (n, 2)):
            side.ip("address", "add", f"fd99::{number}/64", "dev", n.links()[0], "nodad")
        yield n


@pytest.fixture
def engine(ns, layer_driver):  # pylint: disable=unused-argument
    with harness.Engine(netns=ns.name, config={"publish-policy": "input"}) as e:
        e.load_busybox()
        e.out("network", "create", "--ipv6", "six")
        yield e


@pytest.fixture
def forward(ns, layer_driver):  # pylint: disable=unused-argument
    """One with the usual policy."""
    with harness.Engine(netns=ns.name) as e:
        e.load_busybox()
        e.out("network", "create", "--ipv6", "six")
        yield e


def run(engine, name, *flags):
    engine.out("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")


def pid_of(engine, name):
    return json.loads(engine.out("inspect", name))[0]["State"]["Pid"]


def restarts(engine, name):
    """Of one that runs."""
    found = json.loads(engine.out("inspect", name))[0]
    return found["State"]["Running"] and found["RestartCount"]


def serving(engine, name, port=80, text=None, udp=False):
    """A server of the container's both families."""
    return netns.server(["nsenter", f"--net=/proc/{pid_of(engine, name)}/ns/net"], "::", port, text or name, udp=udp)


def python(where, code, *arguments):
    done = where.run("python3", "-c", code, *arguments, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


ASK_UDP = """import socket,sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[3]))
s.connect((sys.argv[1], int(sys.argv[2])))
try:
    s.send(b'x')
    print(s.recv(99).decode())
except OSError:
    pass"""


def ask_udp(where, address, port, timeout=30):
    return python(where, ASK_UDP, address, port, timeout) or None


def allow(ns, rule):
    ns.run("nft", "add", "rule", "inet", "host", "input", *rule.split())


@pytest.mark.parametrize("address", ["10.99.0.1", "fd99::1"])
def test_the_hosts_policy_decides(engine, ns, lan, address):
    """Closed from outside until a rule for the port itself, as ufw or firewalld make it, opens it."""
    ns.run("nft", CLOSED)
    run(engine, "web", "--network", "six", "-p", "8080:80", "-p", "5353:53/udp")
    with serving(engine, "web"), serving(engine, "web", 53, "udp", udp=True):
        assert ns.fetch(address, 8080) == "web"
        assert lan.gets_nowhere(address, 8080)
        assert ask_udp(lan, address, 5353, timeout=1) is None
        allow(ns, "tcp dport 8080 accept")
        assert lan.fetch(address, 8080) == "web"
        assert ask_udp(lan, address, 5353, timeout=1) is None
        allow(ns, "udp dport 5353 accept")
        assert ask_udp(lan, address, 5353) == "udp"
        # and a rule of the host's that drops, whatever else is allowed
        ns.run("nft", "insert", "rule", "inet", "host", "input", "tcp", "dport", "8080", "drop")
        assert lan.gets_nowhere(address, 8080)


def test_by_address_of_the_client(engine, ns, lan):
    ns.run("nft", CLOSED)
    allow(ns, "ip saddr 10.99.0.2 tcp dport 8080 accept")
    run(engine, "web", "--network", "six", "-p", "8080:80")
    with serving(engine, "web"):
        assert lan.fetch("10.99.0.1", 8080) == "web"
        lan.ip("address", "add", "10.99.0.3/24", "dev", lan.links()[0])
        lan.ip("address", "del", "10.99.0.2/24", "dev", lan.links()[0])
        assert lan.gets_nowhere("10.99.0.1", 8080)


def test_no_rule_leads_there(engine, ns):
    run(engine, "web", "--network", "six", "-p", "8080:80", "-p", "5353:53/udp")
    assert "8080" not in ns.ruleset() and "5353" not in ns.ruleset()
    assert netinventory.faults(engine, ns) == []


def test_from_the_host_itself(engine, ns):
    run(engine, "web", "--network", "six", "-p", "8080:80", "-p", "127.0.0.1:8081:80", "-p", "[::1]:8082:80", "-p", "53:53/udp")
    assert engine.out("port", "web", "80") == "\n".join(["0.0.0.0:8080", "127.0.0.1:8081", "[::]:8080", "[::1]:8082"])
    with serving(engine, "web"), serving(engine, "web", 53, "udp", udp=True):
        for address, port in (("127.0.0.1", 8080), ("::1", 8080), ("127.0.0.1", 8081), ("::1", 8082)):
            assert ns.fetch(address, port) == "web"
        assert ns.gets_nowhere("127.0.0.1", 8082) and ns.gets_nowhere("::1", 8081)
        assert ask_udp(ns, "127.0.0.1", 53) == ask_udp(ns, "::1", 53) == "udp"


def test_what_is_published_at_loopback_is_not_the_lans(engine, lan):
    run(engine, "web", "--network", "six", "-p", "127.0.0.1:8080:80", "-p", "[::1]:8080:80")
    with serving(engine, "web"):
        assert lan.gets_nowhere("10.99.0.1", 8080)
        assert lan.gets_nowhere("fd99::1", 8080)


def test_from_containers(engine, lan):  # pylint: disable=unused-argument
    """By the host's address, from a neighbour, another network, and the container itself."""
    run(engine, "web", "--network", "six", "-p", "8080:80")
    run(engine, "neighbour", "--network", "six")
    run(engine, "stranger")
    with serving(engine, "web"):
        for name in ("web", "neighbour", "stranger"):
            assert engine.out("exec", name, "nc", "-w30", "10.99.0.1", "8080", stdin=subprocess.DEVNULL) == "web"


def test_answers_come_from_the_address_that_was_asked(engine, ns, lan):
    """The client's socket is connected to it and hears nobody else."""
    ns.ip("address", "add", "10.99.0.77/24", "dev", lan.links()[0])
    run(engine, "dns", "-p", "5353:53/udp")
    with serving(engine, "dns", 53, udp=True):
        assert ask_udp(lan, "10.99.0.77", 5353) == ask_udp(lan, "10.99.0.1", 5353) == "dns"


def test_each_peer_gets_its_own_answers(engine, lan):
    run(engine, "echo", "-p", "7000:7/udp")
    code = ("import socket\nsockets=[socket.socket(socket.AF_INET,socket.SOCK_DGRAM) for _ in range(200)]\n"
            "for i,s in enumerate(sockets):\n    s.settimeout(30)\n    s.connect(('10.99.0.1',7000))\n    s.send(b'%d'%i)\n"
            "    assert s.recv(99)==b'%d'%i,i\n"
            "for i,s in enumerate(sockets):\n    s.send(b'again%d'%i)\n    assert s.recv(99)==b'again%d'%i,i\nprint('good')")
    echo = ("import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('',7))\nprint('ready',flush=True)\n"
            "while True:\n    s.sendto(*s.recvfrom(9999))")
    with subprocess.Popen(["nsenter", f"--net=/proc/{pid_of(engine, 'echo')}/ns/net", "python3", "-c", echo],
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        assert python(lan, code) == "good"
        process.kill()


def listener(engine, name):
    """A socket of the test's own in a container's network namespace, on port 80."""
    return netns.call_inside(f"/proc/{pid_of(engine, name)}/ns/net", lambda: socket.create_server(("", 80), backlog=500))


def client(ns, port=8080):
    """A connection from the namespace of the host."""
    return netns.call_inside(f"/run/netns/{ns.name}", lambda: socket.create_connection(("127.0.0.1", port), 60))


def receive_all(sock):
    digest, n = hashlib.sha256(), 0
    while data := sock.recv(1 << 16):
        digest.update(data)
        n += len(data)
    return digest.digest(), n


def test_each_direction_ends_by_itself(engine, ns):
    run(engine, "web", "-p", "8080:80")
    with listener(engine, "web") as server:
        one = client(ns)
        other, _ = server.accept()
        one.sendall(b"question")
        one.shutdown(socket.SHUT_WR)
        assert receive_all(other)[1] == len("question")
        other.sendall(b"answer")
        other.close()
        assert one.recv(99) == b"answer" and one.recv(99) == b""
        one.close()


def test_a_reader_that_is_slow_loses_nothing(engine, ns):
    """32 MiB in each direction at once, read only when all that fits on the way is there; the shim goes on meanwhile."""
    run(engine, "web", "-p", "8080:80")
    data = os.urandom(1 << 20) * 32
    with listener(engine, "web") as server:
        one = client(ns)
        other, _ = server.accept()
        for sock in (one, other):
            sock.settimeout(None)  # that of a sendall() is for all of it
        writers = [threading.Thread(target=lambda s=s: (s.sendall(data), s.shutdown(socket.SHUT_WR))) for s in (one, other)]
        for thread in writers:
            thread.start()
        assert engine.out("exec", "web", "echo", "works") == "works"
        found = []
        readers = [threading.Thread(target=lambda s=s: found.append(receive_all(s))) for s in (one, other)]
        for thread in readers:
            thread.start()
        for thread in (*writers, *readers):
            thread.join()
        assert found == [(hashlib.sha256(data).digest(), len(data))] * 2


def cpu_ticks(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_a_half_closed_connection_costs_nothing(engine, ns):
    """The container has said all, its client reads nothing of it and has said all, too: nobody is asked again and again."""
    run(engine, "web", "-p", "8080:80")
    with listener(engine, "web") as server:
        one = client(ns)
        other, _ = server.accept()
        one.shutdown(socket.SHUT_WR)
        assert other.recv(1) == b""
        other.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):
            while True:
                sent += other.send(bytes(1 << 16))
        other.close()
        pid = engine.shims()[0]
        before = cpu_ticks(pid)
        engine.out("exec", "web", "sleep", "2")
        assert cpu_ticks(pid) - before < 50  # of 200
        one.settimeout(60)
        assert receive_all(one)[1] == sent


def test_a_connection_that_breaks_breaks_the_other(engine, ns):
    run(engine, "web", "-p", "8080:80")
    with listener(engine, "web") as server:
        one = client(ns)
        other, _ = server.accept()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        other.close()
        with pytest.raises(ConnectionResetError):
            one.recv(1)
    # nobody listens in the container any more
    with pytest.raises(ConnectionResetError):
        client(ns).recv(1)


def test_many_connections_at_once(engine, ns):
    run(engine, "web", "-p", "8080:80")
    with listener(engine, "web") as server:
        pairs = [(client(ns), server.accept()[0]) for _ in range(300)]
        for number, (one, other) in enumerate(pairs):
            one.sendall(b"%d" % number)
            other.sendall(b"-%d" % number)
        for number, (one, other) in enumerate(pairs):
            assert other.recv(99) == b"%d" % number
            assert one.recv(99) == b"-%d" % number
            one.close()
            other.close()


def test_conflicts_are_named(engine, ns):
    run(engine, "web", "--network", "six", "-p", "8080:80")
    for host in ("", "127.0.0.1:", "[::1]:"):
        done = engine.cleat("run", "--rm", "--network", "six", "-p", f"{host}8080:81", "busybox", "true", check=False)
        assert done.returncode == 125 and "port is already allocated by container web" in done.stderr
    with netns.server(ns.inside(), "::1", 8081, "host") as pid:
        done = engine.cleat("run", "--rm", "-p", "[::1]:8081:80", "busybox", "true", check=False)
        assert done.returncode == 125 and f"address already in use by python3 (pid {pid})" in done.stderr
    # with the container its ports are free
    engine.out("stop", "-t0", "web")
    with netns.server(ns.inside(), "::", 8080, "host"):
        assert ns.fetch("::1", 8080) == "host"
        done = engine.cleat("start", "web", check=False)
        assert done.returncode == 1 and "address already in use by python3" in done.stderr
    engine.out("start", "web")
    engine.out("restart", "-t0", "web")


def test_sctp_is_refused(engine):
    for flags in (["-p", "80:80/sctp"], ["-P", "--expose", "80/sctp"]):
        done = engine.cleat("run", "--rm", *flags, "busybox", "true", check=False)
        assert done.returncode == 125 and "sctp" in done.stderr


def test_sctp_of_another_policy_is_refused(forward):
    """And nobody listens at the port by another protocol."""
    forward.out("create", "--name", "web", "-p", "8080:80/sctp", "busybox", "sleep", "1000")
    forward.kill()
    forward.configure({"publish-policy": "input"})
    forward.start()
    done = forward.cleat("start", "web", check=False)
    assert done.returncode == 1 and "publishing sctp at ::1 or under the publish-policy input" in done.stderr
    forward.kill()
    forward.configure({})
    forward.start()
    forward.out("start", "web")
    assert forward.out("port", "web") == "80/sctp -> 0.0.0.0:8080"


def test_clients_leave_the_shim_descriptors_for_its_work(engine, ns):
    """However many connect: it executes, and starts the container again."""
    resource.prlimit(engine.process.pid, resource.RLIMIT_NOFILE, (1024, 1024))
    run(engine, "web", "-p", "8080:80", "--restart", "always")
    folder, counts = f"/proc/{engine.shims()[0]}/fd", []

    def is_settled():
        counts.append(len(os.listdir(folder)))
        return counts[-1] > 300 and counts[-5:] == counts[-1:] * 5

    def connect():
        return stack.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", 8080), timeout=60)))

    # takes none, so that all stay
    script = "import socket, time; s = socket.create_server(('', 80), backlog=4096); print(flush=True); time.sleep(1000)"
    enter = ["nsenter", f"--net=/proc/{pid_of(engine, 'web')}/ns/net"]
    with subprocess.Popen([*enter, "python3", "-c", script], stdout=subprocess.PIPE) as server, contextlib.ExitStack() as stack:
        stack.callback(server.kill)
        server.stdout.readline()
        netns.call_inside(f"/run/netns/{ns.name}", lambda: [connect() for _ in range(700)])
        harness.wait_until(is_settled, what="the shim to take what it takes")
        engine.out("exec", "web", "true")
        netns.run("kill", "-9", pid_of(engine, "web"))
        harness.wait_until(lambda: restarts(engine, "web") == 1, what="the restart")
        engine.out("exec", "web", "true")
    with serving(engine, "web"):
        harness.wait_until(lambda: ns.fetch("127.0.0.1", 8080) == "web", what="the clients to be gone")


@pytest.mark.unsanitized(reason="who is traced is not looked at for leaks")
def test_who_is_told_of_an_end_can_have_its_ports(engine, ns):
    """Also while the shim is slow to clear away what else there was."""
    run(engine, "web", "-p", "8080:80")
    slow = ["strace", "-f", "-o", "/dev/null", "-p", str(engine.shims()[0]), "-e", "trace=unlinkat", "-e",
            "inject=unlinkat:delay_enter=300000"]
    with subprocess.Popen(slow, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            assert "attached" in tracer.stderr.readline()
            engine.out("stop", "-t0", "web")
            netns.call_inside(f"/run/netns/{ns.name}", lambda: socket.create_server(("", 8080))).close()
        finally:
            tracer.terminate()


def test_without_the_engine(engine, ns):
    """The shim listens on, over a restart by the policy too."""
    run(engine, "web", "-p", "8080:80", "--restart", "always")
    pid = pid_of(engine, "web")
    with serving(engine, "web"):
        engine.kill()
        assert ns.fetch("127.0.0.1", 8080) == "web"
        netns.run("kill", "-9", pid)
        assert ns.fetch("127.0.0.1", 8080) == "web"
        engine.start()
        assert ns.fetch("127.0.0.1", 8080) == "web"
        engine.out("rm", "-f", "web")
        assert ns.gets_nowhere("127.0.0.1", 8080)


def test_a_shim_that_was_killed_has_a_successor_that_listens(engine, ns):
    run(engine, "web", "-p", "8080:80", "-p", "5353:53/udp")
    with serving(engine, "web"), serving(engine, "web", 53, "udp", udp=True):
        os.kill(engine.shims()[0], signal.SIGKILL)
        harness.wait_until(lambda: ns.fetch("127.0.0.1", 8080) == "web", what="the successor")
        assert ask_udp(ns, "127.0.0.1", 5353) == "udp"


def test_ports_follow_the_networks(engine, ns):
    """They lead to the network that leads out, or nowhere while there is none."""
    engine.out("network", "create", "--internal", "inner")
    engine.out("network", "create", "aside")
    run(engine, "web", "--network", "inner", "-p", "8080:80")
    assert engine.out("port", "web") == ""
    with serving(engine, "web"):
        assert ns.gets_nowhere("127.0.0.1", 8080)
        engine.out("network", "connect", "aside", "web")
        assert ns.fetch("127.0.0.1", 8080) == "web"
        engine.out("network", "connect", "bridge", "web")
        engine.out("network", "disconnect", "aside", "web")
        assert ns.fetch("127.0.0.1", 8080) == "web"
        engine.out("network", "disconnect", "bridge", "web")
        assert ns.gets_nowhere("127.0.0.1", 8080)
        with netns.server(ns.inside(), "127.0.0.1", 8080, "host"):
            assert ns.fetch("127.0.0.1", 8080) == "host"


def test_the_loopbacks_port_follows_to_the_other_family(forward, ns):
    """As at a start: a socket leads to either, and what the rules lead by IPv6 ends with it."""
    forward.out("network", "create", "aside")
    run(forward, "web", "--network", "six", "-p", "8080:80", "-p", "[::1]:8081:80")
    forward.out("network", "connect", "aside", "web")
    forward.out("network", "disconnect", "six", "web")
    with serving(forward, "web"):
        assert ns.fetch("127.0.0.1", 8080) == ns.fetch("::1", 8081) == "web"
        assert ns.gets_nowhere("::1", 8080)
        assert forward.out("port", "web").splitlines() == ["80/tcp -> 0.0.0.0:8080", "80/tcp -> [::1]:8081"]
        forward.out("network", "connect", "six", "web")
        forward.out("network", "disconnect", "aside", "web")
        assert ns.fetch("127.0.0.1", 8080) == ns.fetch("::1", 8081) == "web"


def test_a_change_of_the_policy_counts_from_the_next_start(engine, ns, lan):
    ns.run("nft", CLOSED)
    run(engine, "web", "-p", "8080:80")
    engine.kill()
    engine.configure({"publish-policy": "forward"})
    engine.start()
    with serving(engine, "web"):
        assert lan.gets_nowhere("10.99.0.1", 8080)
        assert ns.fetch("127.0.0.1", 8080) == "web"
    engine.out("restart", "-t0", "web")
    with serving(engine, "web"):
        assert lan.fetch("10.99.0.1", 8080) == "web"
    assert "8080" in ns.ruleset()


def test_the_hosts_own_loopback_with_the_usual_policy(forward, ns, lan):
    """No packet from ::1 leaves its interface, so no rule can lead one to a container."""
    run(forward, "web", "--network", "six", "-p", "8080:80", "-p", "[::1]:8081:80", "-p", "5353:53/udp")
    run(forward, "four", "-p", "[::1]:8082:80")
    assert "[::1]" not in forward.out("port", "web", "53/udp")
    with serving(forward, "web"), serving(forward, "four"), serving(forward, "web", 53, "udp", udp=True):
        assert ns.fetch("::1", 8080) == ns.fetch("::1", 8081) == "web"
        assert ns.fetch("::1", 8082) == "four"
        assert ask_udp(ns, "::1", 5353) == "udp"
        assert ns.gets_nowhere("127.0.0.1", 8081)
        assert lan.fetch("fd99::1", 8080) == lan.fetch("10.99.0.1", 8080) == "web"
        assert lan.gets_nowhere("fd99::1", 8081)
