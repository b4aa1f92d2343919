# SPDX-License-Identifier: Apache-2.0
"""Containers find each other by names, and others by the host's servers. Each engine is in a network namespace of the
test's own, and has a resolv.conf of the test's."""
import contextlib
import ipaddress
import json
import os
import pathlib
import re
import socket
import subprocess

import dns
import harness
import netns
import pytest
import scenarios


@pytest.fixture
def resolv_conf(tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.53\nsearch corp.example\noptions edns0\n", encoding="utf-8")
    return path


@pytest.fixture
def engine(ns, resolv_conf, layer_driver):  # pylint: disable=unused-argument
    with harness.Engine(netns=ns.name, resolv_conf=resolv_conf) as e:
        e.load_busybox()
        yield e


@pytest.fixture
def net(engine):
    """An engine with a network."""
    engine.out("network", "create", "net")
    return engine


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def endpoint(engine, name, network="net"):
    return inspect(engine, name)["NetworkSettings"]["Networks"][network]


def address_of(engine, name, network="net"):
    return endpoint(engine, name, network)["IPAddress"]


def sleeper(engine, name, *flags):
    return engine.out("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")


def member(engine, name, *flags):
    return sleeper(engine, name, "--network", "net", *flags)


def ask(engine, name, question, kind="A", **kw):
    """What the name server of container `name` says."""
    pid = inspect(engine, name)["State"]["Pid"]
    return dns.ask(["nsenter", f"--net=/proc/{pid}/ns/net"], question, kind, **kw)


def addresses(engine, name, question, kind="A", **kw):
    said = ask(engine, name, question, kind, **kw)
    assert said["code"] == "NOERROR", said
    return sorted(said["answers"])


def knows(engine, name, question):
    """Whether programs of the container, with its own C library, find the name."""
    return engine.cleat("exec", name, "ping", "-c1", "-W30", question, check=False).returncode == 0


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def restarted_shim(engine):
    """Kills the only shim and waits for its successor."""
    shim, = engine.shims()
    os.kill(shim, 9)
    harness.wait_until(lambda: len(engine.shims()) == 1 and engine.shims() != [shim], what="a successor")


def test_names_of_a_container(net):
    """Name, short id, alias, host name, and each with the network's name; never in the default network."""
    web = member(net, "web", "--network-alias", "www", "--network-alias", "site", "--hostname", "server")
    member(net, "client")
    address = address_of(net, "web")
    for name in ("web", "WEB", "www", "site", "server", web[:12]):
        assert addresses(net, "client", name) == [address], name
        assert addresses(net, "client", f"{name}.net") == [address], name
    assert addresses(net, "web", "web") == [address]
    assert knows(net, "client", "web") and knows(net, "client", "www")
    assert address in net.out("exec", "client", "busybox", "nslookup", "site.")
    shown = endpoint(net, "web")
    assert shown["Aliases"] == ["www", "site"] and shown["DNSNames"] == ["web", "www", "site", web[:12], "server"]
    assert ask(net, "client", reverse(address), "PTR")["answers"] == ["web.net"]
    sleeper(net, "alone")
    assert not knows(net, "alone", "web")
    assert "127.0.0.11" not in net.out("exec", "alone", "cat", "/etc/resolv.conf")
    assert endpoint(net, "alone", "bridge")["DNSNames"] is None


def test_resolv_conf(net):
    member(net, "one")
    assert net.out("exec", "one", "cat", "/etc/resolv.conf") == (
        "nameserver 127.0.0.11\nsearch corp.example\noptions edns0 ndots:0")
    member(net, "two", "--dns", "10.9.9.9", "--dns-search", "a.example", "--dns-option", "ndots:2")
    assert net.out("exec", "two", "cat", "/etc/resolv.conf") == (
        "nameserver 127.0.0.11\nsearch a.example\noptions ndots:2")
    assert inspect(net, "two")["HostConfig"]["Dns"] == ["10.9.9.9"]
    # on the default network servers that only the host reaches are left out
    assert net.out("run", "--rm", "--dns-search", ".", "busybox", "cat", "/etc/resolv.conf") == "options edns0"


def test_aliases_are_shared(net):
    """Each of those that run is told, another one first every time."""
    for name in ("one", "two", "three"):
        member(net, name, "--network-alias", "all")
    member(net, "client")
    every = sorted(address_of(net, n) for n in ("one", "two", "three"))
    said = [ask(net, "client", "all")["answers"] for _ in range(6)]
    assert all(sorted(s) == every for s in said)
    assert {s[0] for s in said} == set(every)
    net.out("stop", "-t0", "two")
    assert addresses(net, "client", "all") == sorted(address_of(net, n) for n in ("one", "three"))
    net.out("rm", "-f", "one", "three")
    assert ask(net, "client", "all")["code"] != "NOERROR"


def test_names_follow_what_happens(net):
    """Start, stop, rename, connect, disconnect."""
    member(net, "client")
    web = net.out("create", "--name", "web", "--network", "net", "busybox", "sleep", "1000")
    assert ask(net, "client", "web")["code"] != "NOERROR"
    net.out("start", "web")
    assert addresses(net, "client", "web") == [address_of(net, "web")]
    net.out("rename", "web", "shop")
    assert ask(net, "client", "web")["code"] != "NOERROR"
    assert addresses(net, "client", "shop") == [address_of(net, "shop")]
    net.out("network", "create", "back")
    net.out("network", "connect", "--alias", "till", "back", "shop")
    assert ask(net, "client", "till")["code"] != "NOERROR"
    net.out("network", "connect", "back", "client")
    assert addresses(net, "client", "till") == [address_of(net, "shop", "back")]
    assert addresses(net, "client", "shop") == [address_of(net, "shop")]
    assert addresses(net, "client", "shop.back") == [address_of(net, "shop", "back")]
    net.out("network", "disconnect", "net", "client")
    assert addresses(net, "client", "shop") == [address_of(net, "shop", "back")]
    net.out("network", "disconnect", "back", "shop")
    assert ask(net, "client", web[:12])["code"] != "NOERROR"
    net.out("restart", "-t0", "client")
    assert addresses(net, "client", "client") == [address_of(net, "client", "back")]


def test_a_network_gives_names_to_one_that_runs(net):
    """A container of the default network that gets another one; what it changed in resolv.conf it keeps."""
    member(net, "web")
    sleeper(net, "one")
    sleeper(net, "two")
    net.out("exec", "two", "sh", "-c", "echo nameserver 10.1.1.1 > /etc/resolv.conf")
    for name in ("one", "two"):
        net.out("network", "connect", "net", name)
        assert addresses(net, name, "web") == [address_of(net, "web")]
    assert knows(net, "one", "web")
    assert net.out("exec", "one", "cat", "/etc/resolv.conf").startswith("nameserver 127.0.0.11\n")
    assert net.out("exec", "two", "cat", "/etc/resolv.conf") == "nameserver 10.1.1.1"
    net.out("restart", "-t0", "two")
    assert knows(net, "two", "web")


def test_links_in_a_network(net):
    """They are aliases of this container alone; what they stand for may begin later."""
    member(net, "client", "--link", "db:sql", "--link", "web")
    member(net, "other")
    member(net, "db")
    assert addresses(net, "client", "sql") == [address_of(net, "db")]
    assert ask(net, "other", "sql")["code"] != "NOERROR"
    assert endpoint(net, "client")["Links"] == ["db:sql", "web"]
    net.out("network", "create", "back")
    net.out("network", "connect", "back", "db")
    net.out("network", "connect", "--link", "db:behind", "back", "client")
    assert addresses(net, "client", "behind") == [address_of(net, "db", "back")]


def test_links_of_the_default_network(engine):
    """Lines of /etc/hosts, written anew when the other one starts again or has another name."""
    db = sleeper(engine, "db", "--hostname", "base")
    sleeper(engine, "web", "--link", "db:sql", "--link", db[:12])
    address = address_of(engine, "db", "bridge")

    def hosts():
        return engine.out("exec", "web", "cat", "/etc/hosts").splitlines()

    assert f"{address}\tsql {db[:12]} base db" in hosts()
    assert knows(engine, "web", "sql") and knows(engine, "web", "base")
    assert inspect(engine, "web")["HostConfig"]["Links"] == [f"/db:/web/{db[:12]}", "/db:/web/sql"]
    engine.out("stop", "-t0", "db")
    assert not any("sql" in line for line in hosts())
    sleeper(engine, "squatter")
    engine.out("start", "db")
    assert address_of(engine, "db", "bridge") != address
    engine.out("rename", "db", "store")
    assert f"{address_of(engine, 'store', 'bridge')}\tsql {db[:12]} base store" in hosts()
    assert f"{address_of(engine, 'web', 'bridge')}\t{inspect(engine, 'web')['Config']['Hostname']}" in hosts()
    engine.out("rm", "-f", "store")
    assert not any("sql" in line for line in hosts())


def unlink_is_refused(engine, path, message):
    done = engine.cleat("rm", "--link", path, check=False)
    assert done.returncode == 1 and message in done.stderr, done


def test_a_link_that_could_not_be_looked_for(engine):
    """That is not one that is not there, which a repeated call takes for its own work."""
    sleeper(engine, "db")
    sleeper(engine, "web", "--link", "db:sql")
    lock = engine.state / "containers" / inspect(engine, "web")["Id"] / "lock"
    lock.rename(lock.with_name("aside"))
    lock.mkdir()
    unlink_is_refused(engine, "web/sql", "lock container")
    lock.rmdir()
    lock.with_name("aside").rename(lock)
    engine.out("rm", "--link", "web/sql")


def test_a_link_is_removed(engine):
    """Alone: both containers stay."""
    sleeper(engine, "db")
    sleeper(engine, "web", "--link", "db:sql", "--link", "db:also")
    unlink_is_refused(engine, "web", "cannot remove the default name")
    for path in ("web/nothing", "nobody/sql", "nobody"):
        unlink_is_refused(engine, path, f"No such container: {path}")
    assert engine.out("rm", "--link", "/web/sql") == "/web/sql"
    assert not knows(engine, "web", "sql") and knows(engine, "web", "also")
    assert inspect(engine, "web")["HostConfig"]["Links"] == ["/db:/web/also"]
    engine.out("restart", "-t", "0", "web")
    assert not knows(engine, "web", "sql") and knows(engine, "web", "also")
    assert inspect(engine, "db")["State"]["Running"]


def test_what_a_container_wrote_into_hosts_stays(net):
    """Over links and networks that come and go, until it starts again."""
    sleeper(net, "db")
    sleeper(net, "web", "--link", "db:sql")
    net.out("exec", "web", "sh", "-c", "echo '10.1.1.1 mine' >> /etc/hosts")
    net.out("restart", "-t0", "db")
    net.out("network", "connect", "net", "web")
    lines = net.out("exec", "web", "cat", "/etc/hosts").splitlines()
    assert "10.1.1.1 mine" in lines
    assert [x.split("\t")[0] for x in lines if "\tsql" in x] == [address_of(net, "db", "bridge")]
    assert any(x.startswith(address_of(net, "web") + "\t") for x in lines)
    net.out("restart", "-t0", "web")
    assert "mine" not in net.out("exec", "web", "cat", "/etc/hosts")


def test_a_container_that_fills_hosts_joins_and_leaves_networks(net):
    sleeper(net, "web")
    net.out("exec", "web", "sh", "-c", "head -c 2000000 /dev/zero >> /etc/hosts")
    net.out("network", "connect", "net", "web")
    assert address_of(net, "web")
    net.out("network", "disconnect", "bridge", "web")
    net.out("network", "disconnect", "net", "web")
    assert "eth" not in net.out("exec", "web", "ip", "-o", "link")


@pytest.mark.parametrize("flags, message", [
    (["--link", "nobody:x"], "could not get container for nobody"),
    (["--link", "a:b:c"], "bad format for links"),
    (["--link", "a:b c"], "bad format for links"),
    (["--network", "host", "--link", "a"], "host type networking can't be used with links"),
    (["--network", "none", "--link", "nobody:x"], "could not get container for nobody"),
    (["--network", "none", "--mac-address", "zz"], "invalid MAC address: zz"),
    (["--network", "host", "--mac-address", "02:00:00:00:00:01"], "mac-address and the network mode"),
    (["--network", "container:a", "--mac-address", "zz"], "mac-address and the network mode"),
    (["--network-alias", "x"], "network-scoped alias is supported only"),
    (["--network", "none", "--network-alias", "x"], "network-scoped alias is supported only"),
    (["--network", "host", "--ip", "10.1.1.1"], "user specified IP address is supported on user defined networks only"),
    (["--network", "none", "--ip", "nonsense"], "invalid IPv4 address: nonsense"),
    (["--dns", "nowhere"], "nowhere"),
    (["--add-host", "name"], "add-host"),
    (["--network", "net", "--network-alias", "two words"], "invalid network alias"),
    (["--network", "container:a", "--dns", "10.1.1.1"], "dns and the network mode"),
    (["--network", "container:a", "--hostname", "x"], "hostname and the network mode"),
    (["--network", "container:a", "--add-host", "x:10.1.1.1"], "custom host-to-IP mapping and the network mode"),
])
def test_bad_requests(net, flags, message):
    done = net.cleat("run", "--rm", *flags, "busybox", "true", check=False)
    assert done.returncode == 125 and message in done.stderr, done.stderr
    assert net.out("ps", "-aq") == ""


def test_ipv6_and_names_without_addresses(engine):
    engine.out("network", "create", "--ipv6", "--subnet", "fd00:7::/64", "six")
    engine.out("network", "create", "four")
    sleeper(engine, "both", "--network", "six")
    sleeper(engine, "old", "--network", "four")
    sleeper(engine, "client", "--network", "six", "--network", "four")
    own = endpoint(engine, "both", "six")
    assert addresses(engine, "client", "both", "AAAA") == [own["GlobalIPv6Address"]]
    assert addresses(engine, "client", "both") == [own["IPAddress"]]
    assert ask(engine, "client", "old", "AAAA") == {"code": "NOERROR", "answers": [], "cut": False}
    assert ask(engine, "client", "old", "MX") == {"code": "NOERROR", "answers": [], "cut": False}
    nibbles = ".".join(reversed(ipaddress.ip_address(own["GlobalIPv6Address"]).exploded.replace(":", "")))
    assert ask(engine, "client", f"{nibbles}.ip6.arpa", "PTR")["answers"] == ["both.six"]


def test_more_than_fits_in_a_datagram(net):
    for i in range(40):
        member(net, f"c{i}", "--network-alias", "all")
    said = ask(net, "c0", "all")
    assert said["cut"] and 0 < len(said["answers"]) < 40
    assert len(addresses(net, "c0", "all", tcp=True)) == 40


def test_other_names_are_the_hosts(net, ns, resolv_conf):
    """Asked from the host's side, where a server may be at a loopback address; resolv.conf is that of the moment."""
    member(net, "one")
    with dns.server(ns.inside(), "127.0.0.53", "10.5.3.1"), dns.server(ns.inside(), "127.0.0.54", "10.5.4.1"):
        assert addresses(net, "one", "up.example") == ["10.5.3.1"]
        assert "10.5.3.1" in net.out("exec", "one", "busybox", "nslookup", "up.example")
        assert addresses(net, "one", "one") == [address_of(net, "one")]
        assert ask(net, "one", "none.example")["code"] == "NXDOMAIN"
        assert ask(net, "one", "big.example") == {"code": "NOERROR", "answers": [], "cut": True}
        assert len(addresses(net, "one", "big.example", tcp=True)) == 200
        resolv_conf.write_text("nameserver 127.0.0.54\n", encoding="utf-8")
        assert addresses(net, "one", "up.example") == ["10.5.4.1"]
        resolv_conf.write_text("nameserver 127.0.0.55\nnameserver 127.0.0.54\n", encoding="utf-8")
        assert addresses(net, "one", "up.example") == ["10.5.4.1"]
    assert ask(net, "one", "up.example")["code"] == "SERVFAIL"


def test_silent_servers(net, ns, resolv_conf):
    """The next is asked after a while, and all of that holds up nobody who asks for names that are known."""
    resolv_conf.write_text("nameserver 127.0.0.53\nnameserver 127.0.0.54\n", encoding="utf-8")
    member(net, "one")
    with dns.server(ns.inside(), "127.0.0.53", "10.5.3.1"), dns.server(ns.inside(), "127.0.0.54", "10.5.4.1"):
        assert ask(net, "one", "silent.example")["code"] == "SERVFAIL"
        assert ask(net, "one", "silent.example", tcp=True)["code"] == "SERVFAIL"


def test_servers_of_the_container(net, ns):
    """--dns is asked from the container's side: one in the container itself, or another container's."""
    with dns.server(ns.inside(), "127.0.0.53", "10.5.3.1"):
        member(net, "one", "--dns", "127.0.0.1")
        pid = inspect(net, "one")["State"]["Pid"]
        assert ask(net, "one", "up.example")["code"] == "SERVFAIL"
        with dns.server(["nsenter", f"--net=/proc/{pid}/ns/net"], "0.0.0.0", "10.5.5.1"):
            assert addresses(net, "one", "up.example") == ["10.5.5.1"]
            assert addresses(net, "one", "one") == [address_of(net, "one")]
            member(net, "two", "--dns", address_of(net, "one"))
            assert addresses(net, "two", "up.example", tcp=True) == ["10.5.5.1"]


def test_defaults_of_the_engine(ns, resolv_conf, layer_driver):  # pylint: disable=unused-argument
    """Of the configuration, for each kind of which a container has none of its own; asked as --dns is."""
    config = {"dns": ["172.17.0.1"], "dns-search": ["a.example"], "dns-opts": ["ndots:3"]}
    ours = "nameserver 172.17.0.1\nsearch a.example\noptions ndots:3"
    with harness.Engine(netns=ns.name, resolv_conf=resolv_conf, config=config) as engine:
        engine.load_busybox()
        engine.out("network", "create", "net")
        show = "cat", "/etc/resolv.conf"
        assert engine.out("run", "--rm", "busybox", *show) == ours
        assert engine.out("run", "--rm", "--network", "host", "busybox", *show) == ours
        assert engine.out("run", "--rm", "--dns", "10.9.9.9", "--dns-search", ".", "busybox", *show) == (
            "nameserver 10.9.9.9\noptions ndots:3")
        member(engine, "one")
        assert engine.out("exec", "one", *show) == "nameserver 127.0.0.11\nsearch a.example\noptions ndots:3"
        with dns.server(ns.inside(), "127.0.0.53", "10.5.3.1"), dns.server(ns.inside(), "172.17.0.1", "10.5.5.1"):
            assert addresses(engine, "one", "up.example") == ["10.5.5.1"]
        # what is configured anew is told to containers that have a name server; others have it from their next start on
        sleeper(engine, "two")
        engine.kill()
        engine.configure({"dns": ["172.17.0.2"]})
        engine.start()
        changed = "nameserver 127.0.0.11\nsearch corp.example\noptions edns0 ndots:0"
        harness.wait_until(lambda: engine.out("exec", "one", *show) == changed, what="the new defaults")
        assert engine.out("exec", "two", *show) == ours
        engine.out("restart", "-t0", "two")
        assert engine.out("exec", "two", *show) == "nameserver 172.17.0.2\nsearch corp.example\noptions edns0"


def test_internal_networks_ask_nobody(engine, ns):
    engine.out("network", "create", "--internal", "inner")
    sleeper(engine, "one", "--network", "inner")
    sleeper(engine, "two", "--network", "inner")
    with dns.server(ns.inside(), "127.0.0.53", "10.5.3.1"):
        assert addresses(engine, "one", "two") == [address_of(engine, "two", "inner")]
        assert ask(engine, "one", "up.example")["code"] == "NXDOMAIN"
        engine.out("network", "create", "outer")
        engine.out("network", "connect", "outer", "one")
        assert addresses(engine, "one", "up.example") == ["10.5.3.1"]


def test_without_the_engine(net):
    """Also for one whose container its shim has started again."""
    member(net, "web", "--restart", "always")
    member(net, "client")
    address, pid = address_of(net, "web"), inspect(net, "web")["State"]["Pid"]
    client = ["nsenter", f"--net=/proc/{inspect(net, 'client')['State']['Pid']}/ns/net"]
    own = pathlib.Path(f"/proc/{pid}/ns/net")
    with open(own, "rb") as namespace:
        net.kill()
        os.kill(pid, 9)
        harness.wait_until(lambda: not own.exists(), what="the end of web")
        assert dns.ask(client, "web")["answers"] == [address]
        inside = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{namespace.fileno()}"]
        assert dns.ask(inside, "client")["code"] == "NOERROR"
        net.start()
    assert addresses(net, "client", "web") == [address]


def test_a_shim_that_is_replaced(net):
    member(net, "one")
    restarted_shim(net)
    harness.wait_until(lambda: knows(net, "one", "one"), what="names by the successor")
    assert addresses(net, "one", "one", tcp=True) == [address_of(net, "one")]
    net.kill()
    net.start()
    assert addresses(net, "one", "one") == [address_of(net, "one")]


def test_little_is_needed_of_the_container(net):
    """A root that cannot be written, no capabilities, a user who is not root."""
    member(net, "web")
    out = net.out("run", "--rm", "--network", "net", "--read-only", "--cap-drop", "ALL", "--user", "1000:1000",
                  "--security-opt", "no-new-privileges", "busybox", "busybox", "nslookup", "web.")
    assert address_of(net, "web") in out


def test_a_container_is_a_name_server_itself(net, ns):
    """It has port 53 of all its addresses, as on Docker, and names all the same."""
    member(net, "server")
    member(net, "client")
    pid = inspect(net, "server")["State"]["Pid"]
    with dns.server(["nsenter", f"--net=/proc/{pid}/ns/net"], "0.0.0.0", "10.5.5.1"):
        assert addresses(net, "server", "client") == [address_of(net, "client")]
        assert addresses(net, "server", "up.example", server="127.0.0.1") == ["10.5.5.1"]
        assert addresses(net, "client", "up.example", server=address_of(net, "server")) == ["10.5.5.1"]
    assert ns.run("nft", "list", "table", "ip", "cleat", check=False).returncode != 0


def test_the_network_of_another_container(net):
    """Its files are shared, whatever happens to its name."""
    sleeper(net, "web", "--network", "net", "--hostname", "server", "--add-host", "db:10.1.2.3")
    member(net, "other")
    sleeper(net, "side", "--network", "container:web")
    net.out("rename", "web", "shop")
    for name in ("hosts", "resolv.conf", "hostname"):
        assert net.out("exec", "side", "cat", f"/etc/{name}") == net.out("exec", "shop", "cat", f"/etc/{name}")
    assert net.out("exec", "side", "hostname") == "server"
    assert knows(net, "side", "other") and knows(net, "side", "server") and "10.1.2.3" in net.out(
        "exec", "side", "cat", "/etc/hosts")
    net.out("restart", "-t0", "side")
    assert knows(net, "side", "shop")


def test_the_hosts_network(engine):
    """It has the host's name, names and servers."""
    out = engine.out("run", "--rm", "--network", "host", "--add-host", "a:10.1.1.1", "busybox", "sh", "-c",
                     "hostname; cat /etc/hostname /etc/resolv.conf /etc/hosts")
    host = pathlib.Path("/etc/hosts").read_text(encoding="utf-8").strip()
    assert out == (f"{socket.gethostname()}\n{socket.gethostname()}\nnameserver 127.0.0.53\nsearch corp.example\n"
                   f"options edns0\n{host}\n10.1.1.1\ta")
    assert engine.out("run", "--rm", "--network", "host", "--hostname", "own", "busybox", "hostname") == "own"


def test_add_host(engine):
    """With either sign, and the host itself by the gateway's address."""
    out = engine.out("run", "--rm", "--add-host", "a:10.1.1.1", "--add-host", "b=10.1.1.2", "--add-host", "c=[fd00::1]",
                     "--add-host", "d:fd00::2", "--add-host", "host.docker.internal:host-gateway", "busybox", "cat",
                     "/etc/hosts")
    for line in ("10.1.1.1\ta", "10.1.1.2\tb", "fd00::1\tc", "fd00::2\td", "172.17.0.1\thost.docker.internal"):
        assert line in out.splitlines()


# What a user does, and the steps that it takes.
COMMANDS = {
    "start": (["start", "web"], ["LEASED", "HOSTS_WRITTEN", "RESOLV_WRITTEN", "SPEC_WRITTEN", "PUBLISHED"]),
    "rename": (["rename", "shop", "store"], ["RENAMED", "PUBLISHED"]),
    "connect": (["network", "connect", "--alias", "till", "back", "shop"],
                ["ENDPOINT_ADDED", "LEASED", "PLUGGED", "HOSTS_WRITTEN", "SPEC_WRITTEN", "SHIM_TOLD", "RESOLV_WRITTEN",
                 "PUBLISHED"]),
    "disconnect": (["network", "disconnect", "net", "shop"],
                   ["LEAVING", "UNPLUGGED", "ENDPOINT_REMOVED", "PUBLISHED", "HOSTS_WRITTEN", "SPEC_WRITTEN"]),
    "begin": (["network", "connect", "net", "alone"], ["PLUGGED", "SPEC_WRITTEN", "SHIM_TOLD"]),
    "stop": (["stop", "-t0", "shop"], ["RELEASED", "PUBLISHED"]),
    "remove": (["rm", "-f", "shop"], ["RELEASED", "PUBLISHED"]),
}
KILLS = [(c, step) for c, (_, steps) in COMMANDS.items() for step in steps]


def is_in_order(engine):
    """Who ends while he is looked at, or has no name server yet, is no order."""
    with contextlib.suppress(AssertionError):
        return all_are_told(engine)
    return False


def all_are_told(engine):
    """Everybody is told of everybody else what inspect says, and nobody of what does not run."""
    running = [inspect(engine, c) for c in engine.out("ps", "-q").split()]
    for one in running:
        networks = one["NetworkSettings"]["Networks"]
        here = netns.run("nsenter", f"--net=/proc/{one['State']['Pid']}/ns/net", "ip", "-4", "-o", "addr").stdout
        if {n["IPAddress"] for n in networks.values()} != set(re.findall(r"eth\d+ +inet ([0-9.]+)", here)):
            return False
        for network in set(networks) - {"bridge"}:
            for other in running:
                name, there = other["Name"][1:], other["NetworkSettings"]["Networks"].get(network)
                for asked in [name, *((there or {}).get("Aliases") or [])]:
                    said = ask(engine, one["Id"], f"{asked}.{network}")["answers"]
                    if said != ([there["IPAddress"]] if there else []):
                        return False
    return True


def known(engine):
    """All that the files of names say. One that is just being written takes its place when it is whole."""
    return sorted(line.split()[1] for p in (engine.state / "names").iterdir() if re.fullmatch("[0-9a-f]{64}", p.name)
                  for line in p.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("command, step", KILLS, ids=[f"{c}-{s}" for c, s in KILLS])
def test_an_engine_killed_at_every_step(net, command, step):
    """The next one makes it as it was or as it was to be, and the same command again makes it as it was to be."""
    net.out("network", "create", "back")
    member(net, "client")
    net.out("network", "connect", "back", "client")
    member(net, "shop", "--network-alias", "mall")
    sleeper(net, "alone")
    net.out("create", "--name", "web", "--network", "net", "busybox", "sleep", "1000")
    net.kill()
    net.start(env={"CLEAT_FAULT": f"NAMES_{step}"})
    arguments = COMMANDS[command][0]
    with net.popen(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        harness.wait_until(lambda: net.process.poll() is not None, what="the end of the engine")
        net.start()
        process.communicate(timeout=60)
    harness.wait_until(lambda: is_in_order(net), what="order")
    done = net.cleat(*arguments, check=False)
    assert done.returncode == 0 or re.search("already|not connected|No such container|same name", done.stderr), done.stderr
    harness.wait_until(lambda: is_in_order(net), what="order")
    end = {"start": "client client shop web", "rename": "client client store", "connect": "client client shop shop",
           "disconnect": "client client", "begin": "alone client client shop", "stop": "client client",
           "remove": "client client"}[command]
    assert known(net) == end.split()
    harness.wait_until(lambda: not list((net.state / "names").glob("*.tmp")), what="no halves of files")


@pytest.mark.parametrize("verb, network, step", [("connect", "net", "HOSTS_WRITTEN"),
                                                 ("disconnect", "bridge", "ENDPOINT_REMOVED")])
def test_hosts_after_an_engine_was_killed_and_nobody_asks_again(net, verb, network, step):
    """A container knows the addresses that it has as its own, and no others."""
    sleeper(net, "alone")
    if verb == "disconnect":
        net.out("network", "connect", "net", "alone")
    net.kill()
    net.start(env={"CLEAT_FAULT": f"NAMES_{step}"})
    with net.popen("network", verb, network, "alone", stderr=subprocess.DEVNULL) as process:
        harness.wait_until(lambda: net.process.poll() is not None, what="the end of the engine")
        process.kill()
    net.start()

    def is_right():
        one = inspect(net, "alone")
        if set(one["NetworkSettings"]["Networks"]) != {"bridge" if verb == "connect" else "net"}:
            return False
        own = [line.split()[0] for line in net.out("exec", "alone", "cat", "/etc/hosts").splitlines()
               if one["Config"]["Hostname"] in line.split()]
        return sorted(own) == sorted(n["IPAddress"] for n in one["NetworkSettings"]["Networks"].values())
    harness.wait_until(is_right, what="hosts that are right")


def test_no_step_is_forgotten():
    assert {f"NAMES_{step}" for _, step in KILLS} == set(scenarios.NAMES_STEPS)


def test_what_a_killed_engine_left(net):
    """Files of networks that are gone, and halves of files."""
    names = net.state / "names"
    member(net, "client")
    for stray in ("0" * 64, f"{'1' * 64}.77.tmp"):
        (names / stray).write_text("10.0.0.1\tstray\n", encoding="utf-8")
    net.kill()
    net.start()
    kept = ["lock", json.loads(net.out("network", "inspect", "net"))[0]["Id"]]
    harness.wait_until(lambda: sorted(p.name for p in names.iterdir()) == sorted(kept), what="only what is there")


def test_many_come_and_go_at_once(net):
    """Whoever writes last has seen them all."""
    member(net, "client")
    for _ in range(3):
        begun = [net.popen("run", "-d", "--network", "net", "--name", f"c{i}", "busybox", "sleep", "1000",
                           stdout=subprocess.DEVNULL) for i in range(8)]
        assert [p.wait(60) for p in begun] == [0] * 8
        assert known(net) == sorted(["client", *(f"c{i}" for i in range(8))])
        ended = [net.popen("rm", "-f", f"c{i}", stdout=subprocess.DEVNULL) for i in range(8)]
        assert [p.wait(60) for p in ended] == [0] * 8
        assert known(net) == ["client"]
