# SPDX-License-Identifier: Apache-2.0
"""Other programs that load and reload the host's firewall, each as it does it: published ports are there before, during and
after, and so is what the user said of them. The host is a network namespace of the test's own, and so is the LAN."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess

import harness
import netns
import pytest

FOREIGN = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain input { type filter hook input priority filter; policy drop; ct state established,related accept; iif lo accept; }
	chain forward { type filter hook forward priority filter; policy drop; ct state established,related accept; ct status dnat accept; }
}
table ip nat { chain prerouting { type nat hook prerouting priority dstnat; tcp dport 9999 redirect to :9998; }; }
"""
LEGACY = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n-A FORWARD -p udp -j DROP\nCOMMIT\n*nat\n:PREROUTING ACCEPT\nCOMMIT\n*raw\nCOMMIT\n"
BUS = """<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>"""
FIREWALLD = pytest.mark.skipif(not shutil.which("firewalld") or not shutil.which("dbus-daemon"), reason="firewalld is not installed")


@pytest.fixture
def lan(ns):
    """Another machine; 10.99.0.1 is the host."""
    with netns.Netns() as n:
        ns.cable(n, "10.99.0")
        yield n


@contextlib.contextmanager
def engine_of(ns, policy):
    with harness.Engine(netns=ns.name, config={"publish-policy": policy}) as e:
        e.load_busybox()
        yield e


@contextlib.contextmanager
def serving(engine):
    """A server on port 80 of a container that is published at 8080."""
    engine.out("run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sleep", "1000")
    pid = engine.out("inspect", "--format", "{{.State.Pid}}", "web")
    with netns.call_inside(f"/proc/{pid}/ns/net", lambda: socket.create_server(("", 80))) as server:
        yield server


def connect(where, patience_s=60):
    """A connection by the published port."""
    return netns.call_inside(f"/run/netns/{where.name}", lambda: socket.create_connection(("10.99.0.1", 8080), patience_s))


def talk(one, other):
    one.sendall(b"question")
    assert other.recv(99) == b"question"
    other.sendall(b"answer")
    assert one.recv(99) == b"answer"


@contextlib.contextmanager
def process(*command, **kw):
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, **kw) as p:
        try:
            yield p
        finally:
            p.send_signal(signal.SIGTERM)


@pytest.fixture
def firewalld(ns, tmp_path):
    """One of the namespace's own, with a bus of its own; a function that runs firewall-cmd."""
    bus = tmp_path / "bus"
    (tmp_path / "bus.conf").write_text(BUS.format(bus), encoding="utf-8")
    env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}"}
    command = ns.inside("unshare", "-m", "sh", "-c",
                        "for d in /etc/firewalld /var/log; do cp -a $d $0/; mount --bind $0/${d##*/} $d; done; "
                        "exec firewalld --nofork --nopid", tmp_path)

    def call(*arguments, check=True):
        return netns.run("firewall-cmd", *arguments, check=check, env=env).stdout.strip()
    with process("dbus-daemon", f"--config-file={tmp_path}/bus.conf", "--nofork", "--nopidfile", "--print-address", text=True,
                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        assert str(bus) in daemon.stdout.readline()  # it listens; its socket is there before
        with process(*command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            harness.wait_until(lambda: call("--state", check=False) == "running", timeout=60, what="firewalld")
            yield call


def reload_nftables(ns, tmp_path):
    script = tmp_path / "nftables.conf"
    script.write_text(FOREIGN, encoding="utf-8")
    ns.run("nft", "-f", script)


def reload_iptables(ns, _):
    for family in ("iptables", "ip6tables"):
        ns.run(f"{family}-restore", input=LEGACY)
        ns.run(family, "-F")
        ns.run(family, "-X")
        ns.run(family, "-t", "nat", "-F")


@pytest.mark.parametrize("policy", ["forward", "input"])
@pytest.mark.parametrize("reload", [reload_nftables, reload_iptables])
def test_reloads(ns, lan, tmp_path, reload, policy):
    if reload is reload_iptables and not shutil.which("iptables-restore"):
        pytest.skip("iptables is not installed")
    with engine_of(ns, policy) as engine, serving(engine) as server:
        name = next(line for line in ns.ruleset().splitlines() if line.startswith("table inet cleat") and "user" not in line)
        own = ns.run("nft", "list", *name.removesuffix(" {").split()).stdout
        user = name.split()[2] + "-user"
        one = connect(lan)
        other, _ = server.accept()
        for _ in range(3):
            reload(ns, tmp_path)
            harness.wait_until(lambda: ns.run("nft", "list", *name.removesuffix(" {").split(), check=False).stdout == own,
                               what="the rules")
            harness.wait_until(lambda: f"table inet {user} " in ns.ruleset(), what="the user's table")
            talk(one, other)
            if policy == "forward":
                talk(connect(lan), server.accept()[0])
        if policy == "input" and reload is reload_nftables:
            with pytest.raises(TimeoutError):
                connect(lan, 2)
            ns.run("nft", "add", "rule", "inet", "filter", "input", "tcp", "dport", "8080", "accept")
        talk(connect(lan), server.accept()[0])


@FIREWALLD
def test_firewalld_decides(ns, lan, firewalld):
    """Under the policy input a port is closed until firewalld is told to open it; a reload, which forgets that, closes it."""
    with engine_of(ns, "input") as engine, serving(engine) as server:
        assert lan.gets_nowhere("10.99.0.1", 8080)
        firewalld("--add-port", "8080/tcp")
        one = connect(lan)
        other, _ = server.accept()
        talk(one, other)
        firewalld("--reload")
        talk(one, other)
        assert lan.gets_nowhere("10.99.0.1", 8080)
        firewalld("--permanent", "--add-port", "8080/tcp")
        firewalld("--reload")
        talk(connect(lan), server.accept()[0])


@FIREWALLD
@pytest.mark.parametrize("how", ["--reload", "--complete-reload"])
def test_reloads_of_firewalld(ns, lan, firewalld, how):
    """It lets through what was translated, and leaves our table alone."""
    with engine_of(ns, "forward") as engine, serving(engine) as server:
        one = connect(lan)
        other, _ = server.accept()
        for _ in range(3):
            firewalld(how)
            talk(one, other)
            talk(connect(lan), server.accept()[0])
