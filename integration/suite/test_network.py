# SPDX-License-Identifier: Apache-2.0
"""Containers on the default network and on others: addresses, names, isolation. Each engine is in a network namespace
of the test's own."""
import json
import re

import harness
import netns
import pytest


@pytest.fixture
def ns():
    with netns.Netns() as n:
        yield n


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


def pings(engine, name, address):
    return engine.cleat("exec", name, "ping", "-c1", "-W2", address, check=False).returncode == 0


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
    harness.wait_until(lambda: any(harness.exe(p) == "busybox" for s in engine.shims() for p in harness.children(s)),
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
