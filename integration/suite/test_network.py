# SPDX-License-Identifier: Apache-2.0
"""Containers on the default network and on others: addresses, names, isolation. Each engine is in a network namespace
of the test's own."""
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess

import harness
import inventory
import netns
import pytest


@pytest.fixture
def engine(ns, layer_driver):  # pylint: disable=unused-argument
    with harness.Engine(netns=ns.name) as e:
        e.load_busybox()
        yield e


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def address_of(engine, name, network="bridge"):
    return inspect(engine, name)["NetworkSettings"]["Networks"][network]["IPAddress"]


def sleeper(engine, name, *flags):
    return engine.out("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")


def pings(engine, name, address, patience_s=30):
    return engine.cleat("exec", name, "ping", "-c1", f"-W{patience_s}", address, check=False).returncode == 0


def gets_nowhere(engine, name, address):
    return not pings(engine, name, address, 2)


def test_default_network(engine, ns):
    """A container without flags is on the network bridge, with an address, a gateway and itself in its hosts file."""
    sleeper(engine, "one", "--hostname", "first")
    one = inspect(engine, "one")
    endpoint = one["NetworkSettings"]["Networks"]["bridge"]
    assert one["HostConfig"]["NetworkMode"] == "bridge"
    assert re.fullmatch(r"172\.17\.0\.\d+", endpoint["IPAddress"])
    assert endpoint["Gateway"] == "172.17.0.1" and endpoint["IPPrefixLen"] == 24
    assert f"{endpoint['IPAddress']}\tfirst" in engine.out("exec", "one", "cat", "/etc/hosts")
    assert endpoint["MacAddress"] in engine.out("exec", "one", "ip", "link", "show", "eth0")
    assert "default via 172.17.0.1" in engine.out("exec", "one", "ip", "route")
    assert pings(engine, "one", "172.17.0.1")
    assert "cleat0" in ns.links()


def test_no_bridge_before_it_is_needed(engine, ns):
    engine.out("run", "--rm", "--network", "none", "busybox", "true")
    assert ns.links() == [] and ns.ruleset() == ""


def test_containers_of_a_network_reach_each_other(engine):
    sleeper(engine, "one")
    sleeper(engine, "two")
    assert address_of(engine, "one") != address_of(engine, "two")
    assert pings(engine, "one", address_of(engine, "two"))


def test_pools_avoid_the_hosts_routes(engine, ns):
    ns.ip("link", "add", "d0", "type", "bridge")
    ns.ip("address", "add", "172.17.0.1/16", "dev", "d0")
    ns.ip("link", "set", "d0", "up")
    sleeper(engine, "one")
    assert address_of(engine, "one").startswith("172.18.0.")


def test_nothing_is_left(engine, ns):
    for _ in range(3):
        engine.out("run", "--rm", "busybox", "true")
    harness.wait_until(lambda: ns.links() == ["cleat0"], what=ns.links)
    assert engine.out("ps", "-aq") == ""


def test_restart_policy_keeps_the_address(engine):
    """Also without the engine: the namespace is the shim's."""
    sleeper(engine, "one", "--restart", "always")
    address, pid = address_of(engine, "one"), inspect(engine, "one")["State"]["Pid"]
    engine.kill()
    netns.run("kill", "-9", pid)
    harness.wait_until(lambda: any(harness.exe(p) == "busybox" and p != pid for s in engine.shims() for p in harness.children(s)),
                       what="restart by the shim")
    engine.start()
    harness.wait_until(lambda: inspect(engine, "one")["State"]["Pid"] not in (0, pid), what="another process")
    assert address_of(engine, "one") == address
    assert pings(engine, "one", "172.17.0.1")


def test_shim_killed_with_its_container(engine):
    """A successor that has to start the container again gets a namespace with the same address."""
    sleeper(engine, "one", "--restart", "always")
    state = inspect(engine, "one")["State"]
    address = address_of(engine, "one")
    netns.run("kill", "-9", *engine.shims(), state["Pid"])
    harness.wait_until(lambda: inspect(engine, "one")["State"]["Pid"] not in (0, state["Pid"]), what="restart")
    assert address_of(engine, "one") == address
    assert pings(engine, "one", "172.17.0.1")


def test_network_of_another_container(engine):
    sleeper(engine, "one")
    own = engine.out("run", "--rm", "--network", "container:one", "busybox", "ip", "-4", "addr", "show", "eth0")
    assert address_of(engine, "one") in own
    engine.out("stop", "-t0", "one")
    done = engine.cleat("run", "--rm", "--network", "container:one", "busybox", "true", check=False)
    assert done.returncode == 125 and "non running container" in done.stderr


def test_host_network(engine, ns):
    ns.ip("link", "add", "d0", "type", "bridge")
    assert "d0" in engine.out("run", "--rm", "--network", "host", "busybox", "ip", "link")
    assert ns.ruleset() == ""


def test_events_in_dockers_order(engine):
    engine.out("run", "--rm", "busybox", "true")
    lines = engine.out("events", "--since", "0", "--until", "0s", "--format", "{{.Type}} {{.Action}}").splitlines()
    assert [x for x in lines if "image" not in x and "attach" not in x] == [
        "container create", "network connect", "container start", "container die", "network disconnect",
        "container destroy"]


@pytest.mark.parametrize("command,ends", [
    (["-d"], ["stop", "-t0"]), (["-d"], ["kill"]), (["-d"], ["wait"]), ([], None), (["--rm"], None)],
    ids=["stop", "kill", "wait", "run", "run-rm"])
def test_who_is_told_of_an_end_finds_nothing_left_of_it(engine, command, ends):
    """Its address, its port and its name are anybody's, and its event is there."""
    engine.out("network", "create", "net")
    for turn in range(1, 16):
        program = ["sleep", "0.1" if ends == ["wait"] else "1000"] if ends else ["true"]
        engine.out("run", *command, "--name", "one", "--network", "net", "-p", "8080:80", "busybox", *program)
        if ends:
            engine.out(*ends, "one")
        left = [inventory.query(engine, f"SELECT * FROM {table} WHERE container_id IS NOT NULL") for table in ("addresses", "ports")]
        # an engine that has just started may be writing the names once more
        names = [name for name in os.listdir(engine.state / "names") if not name.endswith(".tmp")]
        assert left == [[], []] and names == ["lock"]
        told = engine.out("events", "--since", "0", "--until", "0s", "-f", "container=one", "-f", "event=die", "--format", "{{.Action}}")
        assert told.split() == ["die"] * turn
        engine.cleat("rm", "one", check="--rm" not in command)


def test_add_host_and_dns(engine):
    out = engine.out("run", "--rm", "--add-host", "db:10.1.2.3", "--add-host", "host:host-gateway", "--dns", "10.9.9.9",
                     "--dns-search", "example.org", "busybox", "cat", "/etc/hosts", "/etc/resolv.conf")
    assert "10.1.2.3\tdb" in out and "172.17.0.1\thost" in out
    assert "nameserver 10.9.9.9\nsearch example.org" in out


def test_disabled_default_network(ns):
    with harness.Engine(netns=ns.name, config={"bridge": "none"}) as e:
        e.load_busybox()
        assert "eth0" not in e.out("run", "--rm", "busybox", "ip", "link")
        done = e.cleat("run", "--rm", "--network", "bridge", "busybox", "true", check=False)
        assert "network bridge not found" in done.stderr
    assert ns.links() == []


# ---- networks of the user's own

def test_create_list_inspect_remove(engine, ns):
    nid = engine.out("network", "create", "--subnet", "10.11.0.0/24", "--label", "a=b", "-o", "x=y", "front")
    assert re.fullmatch("[0-9a-f]{64}", nid)
    assert engine.out("network", "ls", "--format", "{{.Name}} {{.Driver}}").splitlines() == [
        "bridge bridge", "host host", "none null", "front bridge"]
    assert engine.out("network", "ls", "-q", "--filter", "label=a=b") == nid[:12]
    assert engine.out("network", "ls", "-q", "--filter", "type=custom") == nid[:12]
    front = json.loads(engine.out("network", "inspect", "front"))[0]
    assert front["IPAM"]["Config"] == [{"Subnet": "10.11.0.0/24", "Gateway": "10.11.0.1"}]
    assert front["Labels"] == {"a": "b"} and front["Options"] == {"x": "y"} and front["Id"] == nid
    sleeper(engine, "one", "--network", "front")
    assert f"cl-{nid[:12]}" in ns.links()
    members = json.loads(engine.out("inspect", nid[:10]))[0]["Containers"]
    assert [m["IPv4Address"] for m in members.values()] == [f"{address_of(engine, 'one', 'front')}/24"]
    done = engine.cleat("network", "rm", "front", check=False)
    assert done.returncode == 1 and "active endpoints (container one)" in done.stderr
    engine.out("rm", "-f", "one")
    engine.out("network", "rm", "front")
    assert f"cl-{nid[:12]}" not in ns.links() and "10.11.0.0" not in ns.ruleset()


@pytest.mark.parametrize("flags,message", [
    (["--subnet", "10.0.0.1/24"], "it should be 10.0.0.0/24"),
    (["--subnet", "10.0.0.0/33"], "invalid subnet: 10.0.0.0/33"),
    (["--subnet", "10.0.0.0/24", "--gateway", "10.0.1.1"], "10.0.1.1 is not in the subnet"),
    (["--subnet", "10.0.0.0/24", "--ip-range", "10.0.1.0/25"], "10.0.1.0/25 is not in the subnet"),
    (["--subnet", "10.0.0.0/31"], "too small"),
    (["--gateway", "10.0.0.1"], "must have a corresponding --subnet"),
    (["-d", "overlay"], "only bridge is supported"),
    (["-o", "com.docker.network.driver.mtu=big"], "expected 68 to 65535"),
    (["-o", "com.docker.network.bridge.name=much-too-long-a-name"], "com.docker.network.bridge.name"),
])
def test_bad_networks(module_networks, flags, message):
    done = module_networks.cleat("network", "create", *flags, "bad", check=False)
    assert done.returncode == 1 and message in done.stderr


@pytest.fixture(scope="module")
def module_networks():
    with netns.Netns() as n, harness.Engine(netns=n.name) as e:
        e.load_busybox()
        yield e


@pytest.mark.parametrize("command,message", [
    (["network", "create", "host"], "predefined host network"),
    (["network", "rm", "bridge"], "pre-defined network and cannot be removed"),
    (["network", "rm", "nothing"], "network nothing not found"),
    (["network", "inspect", "nothing"], "network nothing not found"),
    (["run", "--network", "nothing", "busybox"], "network nothing not found"),
    (["run", "--ip", "172.17.0.9", "busybox"], "user defined networks only"),
    (["run", "--mac-address", "01:00:00:00:00:01", "busybox"], "invalid MAC address"),
    (["run", "--network", "container:nobody", "busybox"], "No such container: nobody"),
    (["run", "-p", "80:80", "--network", "container:x", "busybox"], "conflicting options"),
])
def test_bad_requests(module_networks, command, message):
    done = module_networks.cleat(*command, check=False)
    assert done.returncode in (1, 125) and message in done.stderr


def test_names_and_subnets_are_unique(engine):
    engine.out("network", "create", "--subnet", "10.11.0.0/24", "front")
    assert "already exists" in engine.cleat("network", "create", "front", check=False).stderr
    done = engine.cleat("network", "create", "--subnet", "10.11.0.128/25", "back", check=False)
    assert "Pool overlaps" in done.stderr
    engine.out("network", "create", "back")
    engine.out("network", "create", "third")
    subnets = {json.loads(engine.out("network", "inspect", n))[0]["IPAM"]["Config"][0]["Subnet"]
               for n in ("bridge", "back", "third")}
    assert len(subnets) == 3


def test_fixed_addresses(engine):
    engine.out("network", "create", "--subnet", "10.11.0.0/24", "--ip-range", "10.11.0.64/30", "--aux-address",
               "printer=10.11.0.66", "front")
    sleeper(engine, "fixed", "--network", "front", "--ip", "10.11.0.9", "--mac-address", "02:00:00:00:00:09")
    endpoint = inspect(engine, "fixed")["NetworkSettings"]["Networks"]["front"]
    assert (endpoint["IPAddress"], endpoint["MacAddress"]) == ("10.11.0.9", "02:00:00:00:00:09")
    assert "02:00:00:00:00:09" in engine.out("exec", "fixed", "ip", "link", "show", "eth0")
    done = engine.cleat("run", "--rm", "--network", "front", "--ip", "10.11.0.9", "busybox", "true", check=False)
    assert "Address already in use" in done.stderr
    # .65 is the gateway, .66 is reserved
    sleeper(engine, "c1", "--network", "front")
    sleeper(engine, "c2", "--network", "front")
    assert {address_of(engine, "c1", "front"), address_of(engine, "c2", "front")} == {"10.11.0.64", "10.11.0.67"}
    done = engine.cleat("run", "--rm", "--network", "front", "busybox", "true", check=False)
    assert "no available address in network front" in done.stderr
    # an address is free with the end of its container
    engine.out("stop", "-t0", "c1")
    engine.out("run", "--rm", "--network", "front", "busybox", "true")


def test_networks_are_apart(engine):
    for name in ("front", "back"):
        engine.out("network", "create", name)
        sleeper(engine, name, "--network", name)
    assert gets_nowhere(engine, "front", address_of(engine, "back", "back"))
    sleeper(engine, "third", "--network", "front", "--network", "back")
    assert pings(engine, "third", address_of(engine, "back", "back"))
    assert pings(engine, "third", address_of(engine, "front", "front"))


def test_connect_and_disconnect(engine):
    engine.out("network", "create", "--subnet", "172.18.0.0/24", "back")
    sleeper(engine, "one")
    sleeper(engine, "two", "--network", "back")
    there = address_of(engine, "two", "back")
    assert gets_nowhere(engine, "one", there)
    engine.out("network", "connect", "back", "one")
    assert pings(engine, "one", there)
    assert address_of(engine, "one", "back") in engine.out("exec", "one", "cat", "/etc/hosts")
    assert "in network back already" in engine.cleat("network", "connect", "back", "one", check=False).stderr
    engine.out("restart", "-t0", "one")
    assert pings(engine, "one", there)
    engine.out("network", "disconnect", "back", "one")
    assert gets_nowhere(engine, "one", there)
    assert list(inspect(engine, "one")["NetworkSettings"]["Networks"]) == ["bridge"]
    assert "not connected" in engine.cleat("network", "disconnect", "back", "one", check=False).stderr
    engine.out("stop", "-t0", "one")
    engine.out("network", "connect", "--ip", "172.18.0.77", "back", "one")
    engine.out("start", "one")
    assert address_of(engine, "one", "back") == "172.18.0.77"


def test_filters_of_the_list(module_networks):
    nid = module_networks.out("network", "create", "filtered")
    module_networks.out("run", "-d", "--name", "in-it", "--network", "filtered", "-p", "80", "busybox", "sleep", "1000")
    module_networks.out("run", "-d", "--name", "not-in-it", "busybox", "sleep", "1000")
    def listed(filter_):
        return module_networks.out("ps", "--filter", filter_, "--format", "{{.Names}}").splitlines()
    assert listed("network=filtered") == listed(f"network={nid}") == listed(f"network={nid[:8]}") == ["in-it"]
    assert listed("network=bridge") == ["not-in-it"]
    port = inspect(module_networks, "in-it")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    assert listed(f"publish={port}") == ["in-it"] and listed("expose=80") == ["in-it"]


def test_internal_network(engine, ns):
    with netns.Netns() as lan:
        ns.cable(lan, "10.99.0")
        lan.ip("route", "add", "default", "via", "10.99.0.1")
        engine.out("network", "create", "--internal", "inside")
        sleeper(engine, "in", "--network", "inside", "--cap-add", "NET_ADMIN")
        sleeper(engine, "out")
        sleeper(engine, "in2", "--network", "inside")
        assert pings(engine, "out", "10.99.0.2")
        assert gets_nowhere(engine, "in", "10.99.0.2")
        engine.out("exec", "in", "ip", "route", "add", "default", "via",
                   json.loads(engine.out("network", "inspect", "inside"))[0]["IPAM"]["Config"][0]["Gateway"])
        assert gets_nowhere(engine, "in", "10.99.0.2")
        assert pings(engine, "in", address_of(engine, "in2", "inside"))


def test_what_leaves_has_the_hosts_address(engine, ns):
    """The LAN has no route to containers: answers come only to the host's own address."""
    with netns.Netns() as lan:
        ns.cable(lan, "10.99.0")
        sleeper(engine, "one")
        assert pings(engine, "one", "10.99.0.2")


def test_ipv6(engine, ns):
    with netns.Netns() as lan:
        ns.cable(lan, "10.99.0")
        ns.ip("address", "add", "fd99::1/64", "dev", ns.links()[0], "nodad")
        lan.ip("address", "add", "fd99::2/64", "dev", lan.links()[0], "nodad")
        engine.out("network", "create", "--ipv6", "six")
        sleeper(engine, "one", "--network", "six")
        sleeper(engine, "two", "--network", "six")
        address = inspect(engine, "two")["NetworkSettings"]["Networks"]["six"]["GlobalIPv6Address"]
        assert address.startswith("fd")
        assert pings(engine, "one", address)
        assert pings(engine, "one", "fd99::2")


def test_mtu(engine):
    engine.out("network", "create", "-o", "com.docker.network.driver.mtu=1400", "small")
    assert "mtu 1400" in engine.out("run", "--rm", "--network", "small", "busybox", "ip", "link", "show", "eth0")


def test_prune(engine, ns):
    for name in ("used", "unused"):
        engine.out("network", "create", name)
    sleeper(engine, "one", "--network", "used")
    assert engine.out("network", "prune", "-f") == "Deleted Networks:\nunused"
    assert "used" in engine.out("network", "ls", "--format", "{{.Name}}").splitlines()
    assert len([x for x in ns.links() if x.startswith("cl-")]) == 1


def test_a_network_that_is_gone_is_named_at_the_start(engine):
    engine.out("network", "create", "front")
    engine.out("create", "--name", "one", "--network", "front", "busybox")
    engine.out("network", "rm", "front")
    done = engine.cleat("start", "one", check=False)
    assert done.returncode == 1 and "network front not found" in done.stderr


def test_engine_killed_keeps_networks(engine, ns):
    engine.out("network", "create", "front")
    sleeper(engine, "one", "--network", "front", "-p", "8080:80")
    before, rules = inspect(engine, "one")["NetworkSettings"], ns.ruleset()
    engine.kill()
    ns.run("nft", "flush", "ruleset")
    engine.start()
    harness.wait_until(lambda: ns.ruleset() == rules, what="the rules")
    assert inspect(engine, "one")["NetworkSettings"] == before


def test_leaving_a_network_whose_bridge_is_gone(engine, ns):
    """Takes its own cable out and no other's, whatever the container calls it and whose bridge is gone besides."""
    for name in ("front", "back"):
        engine.out("network", "create", name)
    sleeper(engine, "one", "--network", "front", "--cap-add", "NET_ADMIN")
    engine.out("network", "connect", "back", "one")
    for old, new in (("eth0", "front0"), ("eth1", "back0")):
        engine.out("exec", "one", "sh", "-c", f"ip link set {old} down && ip link set {old} name {new} && ip link set {new} up")
    for name in [link for link in ns.links() if link.startswith("cl-")]:
        ns.ip("link", "del", name)
    engine.out("network", "disconnect", "front", "one")
    assert sorted(engine.out("exec", "one", "ls", "/sys/class/net").split()) == ["back0", "lo"]
    engine.out("network", "disconnect", "back", "one")
    assert engine.out("exec", "one", "ls", "/sys/class/net") == "lo"
    assert not [link for link in ns.links() if link.startswith("veth")]


def test_rules_come_back(engine, ns):
    """Who reloads a firewall begins with an empty one."""
    engine.out("run", "-d", "--name", "web", "-p", "8080:80", "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hi")
    harness.wait_until(lambda: ns.fetch("127.0.0.1", 8080) == "hi")
    rules = ns.ruleset()
    for command in ("flush ruleset", "delete table inet " + rules.split()[2]):
        ns.run("nft", command)
        harness.wait_until(lambda: ns.ruleset() == rules, what=lambda: f"{rules}, but {ns.ruleset()}")
    assert ns.fetch("127.0.0.1", 8080) == "hi"


def test_one_bad_network_keeps_no_other(engine, ns):
    """A network whose removal cannot be finished is older than one whose rules are to be put back."""
    engine.out("network", "create", "bad")
    engine.out("run", "--rm", "--network", "bad", "busybox", "true")
    sleeper(engine, "one", "-p", "8080:80")
    engine.kill()
    ns.run("nft", "flush", "ruleset")
    with contextlib.closing(sqlite3.connect(engine.state / "cleat.db")) as store, store:
        store.execute("UPDATE networks SET intent = 'removing' WHERE name = 'bad'")
        store.execute("UPDATE networks SET created_ns = 1 WHERE name = 'bad'")
        store.execute("CREATE TRIGGER keep BEFORE DELETE ON networks BEGIN SELECT RAISE(ABORT, 'kept by the test'); END")
    engine.start()
    harness.wait_until(lambda: "8080" in ns.ruleset(), what="the rules")
    assert "kept by the test" in engine.log()


@pytest.mark.skipif(not shutil.which("runc"), reason="runc is not installed")
def test_another_runtime(engine):
    out = engine.out("run", "--rm", "--runtime", shutil.which("runc"), "busybox", "ip", "-4", "addr", "show", "eth0")
    assert "172.17.0." in out


def test_engine_killed_at_every_step(engine, ns):
    """Whatever of an engine's life a container's begin or end is interrupted in: nothing is given out twice, and in the end
    nothing is left."""
    starter = [*engine.command("run", "-d", "--restart", "always", "-p", "80", "busybox", "sleep", "1000")]
    for i in range(12):
        process = subprocess.Popen(starter, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_until(lambda n=i: process.poll() is not None or len(ns.links()) > n // 3)
        engine.kill()
        engine.start()
        process.wait(60)
    running = [inspect(engine, x) for x in engine.out("ps", "-q").split()]
    addresses = [x["NetworkSettings"]["Networks"]["bridge"]["IPAddress"] for x in running]
    ports = [b["HostPort"] for x in running for b in x["NetworkSettings"]["Ports"]["80/tcp"]]
    assert len(set(addresses)) == len(addresses) and len(set(ports)) == len(ports) == len(running)
    ids = engine.out("ps", "-aq").split()
    if ids:
        engine.out("rm", "-f", *ids)
    harness.wait_until(lambda: ns.links() == ["cleat0"], what=ns.links)
    assert " : 172.17." not in ns.ruleset()
    assert engine.out("network", "inspect", "-f", "{{len .Containers}}", "bridge") == "0"


def gateway_of(engine, name):
    return re.findall(r"^default via (\S+)", engine.out("exec", name, "ip", "route"), re.M)


def test_the_default_route_moves(engine, ns):
    """To the network with the highest priority, of equal ones to the first by name; published ports follow."""
    for number, name in enumerate(("beta", "alpha", "gamma")):
        engine.out("network", "create", "--subnet", f"10.{number}.0.0/24", name)
    engine.out("network", "create", "--internal", "aaa")
    engine.out("run", "-d", "--name", "web", "--network", "beta", "-p", "8080:80", "busybox", "nc", "-ll", "-p", "80", "-e", "echo",
               "web")
    harness.wait_until(lambda: ns.fetch("127.0.0.1", 8080) == "web")
    assert gateway_of(engine, "web") == ["10.0.0.1"]
    for change, gateway in ((["connect", "aaa"], "10.0.0.1"), (["connect", "alpha"], "10.1.0.1"),
                            (["connect", "--gw-priority", "9", "gamma"], "10.2.0.1"), (["disconnect", "gamma"], "10.1.0.1"),
                            (["disconnect", "alpha"], "10.0.0.1")):
        engine.out("network", *change, "web")
        assert gateway_of(engine, "web") == [gateway]
        assert ns.fetch("127.0.0.1", 8080) == "web"
    engine.out("network", "disconnect", "beta", "web")
    assert gateway_of(engine, "web") == [] and ns.gets_nowhere("127.0.0.1", 8080)
    assert inspect(engine, "web")["NetworkSettings"]["Ports"] == {}
    engine.out("network", "connect", "gamma", "web")
    assert gateway_of(engine, "web") == ["10.2.0.1"] and ns.fetch("127.0.0.1", 8080) == "web"
    engine.out("restart", "-t0", "web")
    assert gateway_of(engine, "web") == ["10.2.0.1"]
    harness.wait_until(lambda: ns.fetch("127.0.0.1", 8080) == "web")


def test_an_address_that_was_left_gets_no_traffic(engine, ns):
    """A port of a container that left the network does not lead to whoever has its address then."""
    engine.out("network", "create", "--subnet", "10.0.0.0/24", "front")
    engine.out("run", "-d", "--name", "one", "--network", "front", "--ip", "10.0.0.9", "-p", "8080:80", "busybox", "sleep", "1000")
    engine.out("network", "disconnect", "front", "one")
    engine.out("run", "-d", "--name", "two", "--network", "front", "--ip", "10.0.0.9", "busybox", "nc", "-ll", "-p", "80", "-e",
               "echo", "two")
    harness.wait_until(lambda: ":0050 " in engine.out("exec", "two", "cat", "/proc/net/tcp", "/proc/net/tcp6"))
    assert ns.fetch("10.0.0.9", 80) == "two" and ns.gets_nowhere("127.0.0.1", 8080)


def test_an_interface_that_was_renamed_is_taken_away(engine, ns):
    """Which one it is does not depend on what the container calls it."""
    engine.out("network", "create", "front")
    sleeper(engine, "one", "--cap-add", "NET_ADMIN")
    engine.out("network", "connect", "front", "one")
    for command in (["link", "set", "eth1", "down"], ["link", "set", "eth1", "name", "mine0"], ["link", "set", "mine0", "up"]):
        engine.out("exec", "one", "ip", *command)
    engine.out("network", "disconnect", "front", "one")
    assert "mine0" not in engine.out("exec", "one", "ip", "link")
    assert len([x for x in ns.links() if x.startswith("veth")]) == 1
    engine.out("network", "connect", "front", "one")
    assert "eth1" in engine.out("exec", "one", "ip", "link")


def test_an_engine_with_many_descriptors(engine, ns):
    """Each container that runs has one: libnftables must not be what ends the engine."""
    engine.kill()
    null = os.open("/dev/null", os.O_RDONLY)
    many = [os.dup(null) for _ in range(1100)]
    engine.spawn(pass_fds=many)
    for fd in [null, *many]:
        os.close(fd)
    engine.out("system", "wait-ready", "--timeout", "60s")
    sleeper(engine, "one", "-p", "8080:80")
    assert "8080" in ns.ruleset() and len(os.listdir(f"/proc/{engine.engine_pids()[0]}/fd")) > 1100


def test_no_ipv6_address_where_the_network_has_none(engine):
    """Neither does a container tell its neighbours of one."""
    engine.out("network", "create", "--ipv6", "six")
    sleeper(engine, "one", "--network", "bridge", "--network", "six")
    # the kernel makes it when it has heard, in a thread of its own, that the other end of the cable is up
    harness.wait_until(lambda: "inet6 fe80" in engine.out("exec", "one", "ip", "-6", "address", "show", "eth1"), what="an address")
    assert "inet6" not in engine.out("exec", "one", "ip", "-6", "address", "show", "eth0")
    assert "inet6 ::1" in engine.out("exec", "one", "ip", "-6", "address", "show", "lo")
