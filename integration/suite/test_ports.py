# SPDX-License-Identifier: Apache-2.0
"""Published ports: from the host itself, from containers, from a LAN, and from where they must not be reached. The host is
a network namespace of the test's own, and so is the LAN."""
import json
import pathlib
import shutil
import subprocess

import harness
import netns
import pytest

@pytest.fixture
def lan(ns):
    """Another machine; 10.99.0.1 is the host, 10.99.0.2 is there."""
    with netns.Netns() as n:
        ns.cable(n, "10.99.0")
        yield n


@pytest.fixture
def engine(ns, layer_driver):  # pylint: disable=unused-argument
    with harness.Engine(netns=ns.name) as e:
        e.load_busybox()
        yield e


def serve(engine, name, *flags, text=None, port=80):
    """A container that says its name to whoever connects; returns when it listens."""
    engine.out("run", "-d", "--name", name, *flags, "busybox", "nc", "-ll", "-p", port, "-e", "echo", text or name)
    harness.wait_until(lambda: f":{port:04X} " in engine.out("exec", name, "cat", "/proc/net/tcp", "/proc/net/tcp6"),
                       what=f"{name} listens")


def settings(engine, name):
    return json.loads(engine.out("inspect", name))[0]["NetworkSettings"]


def ports(engine, name):
    return settings(engine, name)["Ports"]


def address_of(engine, name):
    return settings(engine, name)["Networks"]["bridge"]["IPAddress"]


def ask(engine, name, address, port, patience_s=30):
    """What a server says to a connection from inside a container."""
    done = engine.cleat("exec", name, "nc", f"-w{patience_s}", address, port, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.strip() if done.returncode == 0 else None


def test_reached_from_everywhere(engine, ns, lan):
    serve(engine, "web", "-p", "8080:80")
    serve(engine, "peer")
    assert ports(engine, "web") == {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}
    assert engine.out("port", "web") == "80/tcp -> 0.0.0.0:8080"
    assert engine.out("ps", "--filter", "name=web", "--format", "{{.Ports}}") == "0.0.0.0:8080->80/tcp"
    assert ns.fetch("127.0.0.1", 8080) == "web"
    assert ns.fetch("10.99.0.1", 8080) == "web"
    assert ns.fetch("172.17.0.1", 8080) == "web"
    assert lan.fetch("10.99.0.1", 8080) == "web"
    assert ask(engine, "peer", "10.99.0.1", 8080) == "web"
    assert ask(engine, "peer", "172.17.0.1", 8080) == "web"
    assert ask(engine, "web", "10.99.0.1", 8080) == "web"  # itself


def test_reached_from_another_network(engine, ns, lan):  # pylint: disable=unused-argument
    engine.out("network", "create", "other")
    serve(engine, "web", "-p", "8080:80")
    serve(engine, "peer", "--network", "other")
    assert ask(engine, "peer", address_of(engine, "web"), 80, patience_s=2) is None
    assert ask(engine, "peer", "10.99.0.1", 8080) == "web"


def test_the_servers_see_their_clients(engine, ns, lan):  # pylint: disable=unused-argument
    """A client of the LAN has its own address, not the host's."""
    engine.out("run", "-d", "--name", "web", "-p", "8080:80", "busybox", "nc", "-ll", "-p", "80", "-e", "sh", "-c",
               "netstat -tn | grep :80")
    harness.wait_until(lambda: ":0050 " in engine.out("exec", "web", "cat", "/proc/net/tcp", "/proc/net/tcp6"))
    assert "10.99.0.2:" in lan.fetch("10.99.0.1", 8080)


def test_loopback_is_not_the_lans(engine, ns, lan):
    """Neither by the host's address, nor by a packet to 127.0.0.1 that came by the wire, nor by one to the container."""
    serve(engine, "web", "-p", "127.0.0.1:8080:80")
    assert ns.fetch("127.0.0.1", 8080) == "web"
    assert lan.gets_nowhere("10.99.0.1", 8080)
    lan.ip("route", "add", "172.17.0.0/24", "via", "10.99.0.1")
    assert lan.gets_nowhere(address_of(engine, "web"), 80)
    # a packet to 127.0.0.1 that leaves the LAN's machine for ours
    name = lan.links()[0]
    mac = [line.split("link/ether ")[1].split()[0] for line in ns.ip("-o", "link").splitlines() if name in line][0]
    lan.run("sh", "-c", f"echo 1 > /proc/sys/net/ipv4/conf/{name}/route_localnet")
    lan.ip("address", "del", "127.0.0.1/8", "dev", "lo")
    lan.ip("rule", "add", "pref", "0", "to", "127.0.0.1", "lookup", "99")
    lan.ip("route", "add", "127.0.0.1", "dev", name, "src", "10.99.0.2", "table", "99")
    lan.ip("neighbour", "add", "127.0.0.1", "lladdr", mac, "dev", name)
    assert lan.gets_nowhere("127.0.0.1", 8080)


def test_what_is_not_published_is_not_reached(engine, ns, lan):  # pylint: disable=unused-argument
    serve(engine, "web")
    lan.ip("route", "add", "172.17.0.0/24", "via", "10.99.0.1")
    assert lan.gets_nowhere(address_of(engine, "web"), 80)


def test_containers_have_no_way_to_the_hosts_loopback(engine, ns):
    """Although packets to 127.0.0.1 are routed to bridges."""
    with netns.server(ns.inside(), "127.0.0.1", 7777, "host"):
        engine.out("run", "-d", "--name", "one", "--cap-add", "NET_ADMIN", "busybox", "sleep", "1000")
        for command in (["ip", "addr", "del", "127.0.0.1/8", "dev", "lo"],
                        ["ip", "route", "add", "127.0.0.1", "via", "172.17.0.1", "dev", "eth0"]):
            engine.out("exec", "one", *command)
        assert ns.fetch("127.0.0.1", 7777) == "host"
        assert ask(engine, "one", "127.0.0.1", 7777, patience_s=2) is None


def test_all_forms(engine, ns):
    serve(engine, "web", "-p", "80", "-p", "8081:80", "-p", "127.0.0.1::80", "-p", "8090-8092:80", "-p", "53:53/udp")
    bound = ports(engine, "web")
    assert bound["53/udp"] == [{"HostIp": "0.0.0.0", "HostPort": "53"}]
    tcp = {int(b["HostPort"]): b["HostIp"] for b in bound["80/tcp"]}
    assert {8081, 8090} < set(tcp) and len(tcp) == 4 and list(tcp.values()).count("127.0.0.1") == 1
    assert all(ns.fetch("127.0.0.1", port) == "web" for port in tcp)
    # of a range the next free one
    serve(engine, "next", "-p", "8090-8092:80")
    assert ports(engine, "next")["80/tcp"][0]["HostPort"] == "8091"


def test_ranges(engine, ns):
    engine.out("run", "-d", "--name", "web", "-p", "9000-9002:80-82", "busybox", "nc", "-ll", "-p", "81", "-e", "echo", "81")
    assert {k: v[0]["HostPort"] for k, v in ports(engine, "web").items()} == {
        "80/tcp": "9000", "81/tcp": "9001", "82/tcp": "9002"}
    harness.wait_until(lambda: ns.fetch("127.0.0.1", 9001) == "81")


def test_publish_all(engine, ns):
    serve(engine, "web", "-P", "--expose", "80", "--expose", "81/udp")
    bound = ports(engine, "web")
    assert set(bound) == {"80/tcp", "81/udp"}
    assert ns.fetch("127.0.0.1", bound["80/tcp"][0]["HostPort"]) == "web"
    engine.out("run", "-d", "--name", "exposed", "--expose", "80", "busybox", "sleep", "1000")
    assert ports(engine, "exposed") == {"80/tcp": None}


def inside(engine, name):
    """What enters the network namespace of a container."""
    pid = json.loads(engine.out("inspect", name))[0]["State"]["Pid"]
    return ["nsenter", f"--net=/proc/{pid}/ns/net"]


def test_udp(engine, ns):
    engine.out("run", "-d", "--name", "dns", "-p", "5353:53/udp", "busybox", "sleep", "1000")
    code = ("import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.settimeout(30)\n"
            "s.sendto(b'x',('127.0.0.1',5353))\nprint(s.recv(99).decode())")
    with netns.server(inside(engine, "dns"), "0.0.0.0", 53, "udp", udp=True):
        assert ns.run("python3", "-c", code).stdout.strip() == "udp"


def test_conflict_with_a_container(engine, ns):
    serve(engine, "web", "-p", "8080:80")
    for host in ("", "127.0.0.1:"):
        done = engine.cleat("run", "--rm", "-p", f"{host}8080:81", "busybox", "true", check=False)
        assert done.returncode == 125 and "port is already allocated by container web" in done.stderr
    serve(engine, "udp", "-p", "8080:80/udp")
    # the port is free with the end of its owner
    engine.out("stop", "-t0", "web")
    assert ns.gets_nowhere("127.0.0.1", 8080)
    serve(engine, "second", "-p", "8080:80")
    assert ns.fetch("127.0.0.1", 8080) == "second"
    done = engine.cleat("start", "web", check=False)
    assert done.returncode == 1 and "port is already allocated by container second" in done.stderr


def test_conflict_with_a_process(engine, ns):
    with netns.server(ns.inside(), "127.0.0.1", 8080, "host") as pid:
        done = engine.cleat("run", "--rm", "-p", "8080:80", "busybox", "true", check=False)
        assert done.returncode == 125 and f"address already in use by python3 (pid {pid})" in done.stderr
    serve(engine, "web", "-p", "8080:80")


def test_random_ports_are_unlike(engine):
    for i in range(5):
        engine.out("run", "-d", "--name", f"web{i}", "-p", "80", "busybox", "sleep", "1000")
    assert len({ports(engine, f"web{i}")["80/tcp"][0]["HostPort"] for i in range(5)}) == 5


@pytest.mark.parametrize("spec,message", [
    ("300.0.0.1:80:80", "300.0.0.1"), ("10.1.2.3:80:80", "Bind for 10.1.2.3:80 failed"),
])
def test_bad_bindings(engine, spec, message):
    done = engine.cleat("run", "--rm", "-p", spec, "busybox", "true", check=False)
    assert done.returncode == 125 and message in done.stderr


def test_without_the_engine(engine, ns):
    """Ports stay published, also over a restart by the policy."""
    serve(engine, "web", "-p", "8080:80", "--restart", "always")
    pid = json.loads(engine.out("inspect", "web"))[0]["State"]["Pid"]
    engine.kill()
    assert ns.fetch("127.0.0.1", 8080) == "web"
    netns.run("kill", "-9", pid)
    harness.wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="the end of the server")
    harness.wait_until(lambda: ns.fetch("127.0.0.1", 8080) == "web", what="the restarted server")
    engine.start()
    assert ns.fetch("127.0.0.1", 8080) == "web"
    engine.out("rm", "-f", "web")
    assert ns.gets_nowhere("127.0.0.1", 8080)
    assert "8080" not in ns.ruleset()


def test_ends_while_the_engine_is_away(engine, ns):
    """What only the engine can give back it gives back when it is there again."""
    serve(engine, "web", "-p", "8080:80")
    pid = json.loads(engine.out("inspect", "web"))[0]["State"]["Pid"]
    engine.kill()
    netns.run("kill", "-9", pid)
    engine.start()
    harness.wait_until(lambda: "8080" not in ns.ruleset(), what="end of the rule")
    serve(engine, "other", "-p", "8080:80")
    assert ns.fetch("127.0.0.1", 8080) == "other"


def test_the_hosts_own_tables_are_left_alone(engine, ns):
    ns.run("nft", "add table inet mine; add chain inet mine c { type filter hook forward priority 0; policy accept; }")
    mine = ns.run("nft", "list", "table", "inet", "mine").stdout
    serve(engine, "web", "-p", "8080:80")
    engine.out("network", "create", "other")
    engine.out("rm", "-f", "web")
    assert ns.run("nft", "list", "table", "inet", "mine").stdout == mine


def test_ipv6(engine, ns, lan):
    name = lan.links()[0]
    ns.ip("address", "add", "fd99::1/64", "dev", name, "nodad")
    lan.ip("address", "add", "fd99::2/64", "dev", name, "nodad")
    engine.out("network", "create", "--ipv6", "six")
    engine.out("run", "-d", "--name", "web", "--network", "six", "-p", "8080:80", "busybox", "sleep", "1000")
    assert [b["HostIp"] for b in ports(engine, "web")["80/tcp"]] == ["0.0.0.0", "::"]
    with netns.server(inside(engine, "web"), "::", 80, "six"):
        assert ns.fetch("127.0.0.1", 8080) == "six"
        assert lan.fetch("10.99.0.1", 8080) == "six"
        assert " cl-" not in ns.ip("-6", "-o", "address", "show", "tentative")
        assert lan.fetch("fd99::1", 8080) == "six"
        assert ns.fetch("fd99::1", 8080) == "six"


USER_RULE = "meta l4proto tcp ct original proto-dst 8080 ip saddr 10.99.0.2 drop"


def user_table(ns):
    return next(line.split()[2] for line in ns.ruleset().splitlines() if line.endswith("-user {"))


def test_rules_of_users(engine, ns, lan):
    """They come first, and the engine's rules are made anew without touching them."""
    serve(engine, "web", "-p", "8080:80", "-p", "8081:80")
    assert lan.fetch("10.99.0.1", 8080) == "web"
    ns.run("nft", "add", "rule", "inet", user_table(ns), "forward", *USER_RULE.split())
    assert lan.gets_nowhere("10.99.0.1", 8080)
    assert lan.fetch("10.99.0.1", 8081) == ns.fetch("10.99.0.1", 8080) == "web"
    engine.out("network", "create", "other")
    engine.out("run", "--rm", "--network", "other", "busybox", "true")  # its bridge is one more in the rules
    engine.out("network", "rm", "other")
    engine.kill()
    engine.start()
    engine.out("run", "-d", "-p", "8082:80", "busybox", "sleep", "1000")
    assert "proto-dst 8080" in ns.ruleset() and lan.gets_nowhere("10.99.0.1", 8080)
    # one that a user made keeps the form it has
    ns.run("nft", f"flush ruleset; table inet {user_table(ns)} {{ chain forward {{ type filter hook forward priority 7; {USER_RULE}; }}; }}")
    harness.wait_until(lambda: lan.fetch("10.99.0.1", 8081) == "web", what="the rules")
    assert "priority filter + 7" in ns.ruleset() or "priority 7" in ns.ruleset()
    assert lan.gets_nowhere("10.99.0.1", 8080)


def test_a_foreign_policy_counts(engine, ns, lan):
    """What the host's own rules for forwarded packets drop is not accepted here."""
    serve(engine, "web", "-p", "8080:80")
    ns.run("nft", "table inet mine { chain c { type filter hook forward priority filter; policy drop; }; }")
    assert lan.gets_nowhere("10.99.0.1", 8080)
    ns.run("nft", "delete table inet mine")
    assert lan.fetch("10.99.0.1", 8080) == "web"


@pytest.mark.skipif(not shutil.which("iptables-restore"), reason="iptables is not installed")
def test_reloads_of_iptables(engine, ns, lan):
    serve(engine, "web", "-p", "8080:80")
    rules = ns.run("nft", "list", "table", "inet", user_table(ns).removesuffix("-user")).stdout
    ns.run("iptables-restore", input="*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n-A FORWARD -p udp -j DROP\nCOMMIT\n*nat\nCOMMIT\n")
    ns.run("iptables", "-F")
    ns.run("iptables", "-t", "nat", "-F")
    assert lan.fetch("10.99.0.1", 8080) == "web"
    assert ns.run("nft", "list", "table", "inet", user_table(ns).removesuffix("-user")).stdout == rules
