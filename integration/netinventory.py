# SPDX-License-Identifier: Apache-2.0
"""What an engine's networks are on the host beside what its store says of them, however either came to be so."""
import json
import re

import inventory
import netns

MAPS = "ports4", "ports6", "every4", "every6"


def running(engine):
    """Process by container id of those that run and have networks of the engine's."""
    ids = engine.out("ps", "-q", "--no-trunc").split()
    told = json.loads(engine.cleat("inspect", *ids, check=False).stdout) if ids else []  # one may be gone by now
    return {c["Id"]: c["State"]["Pid"] for c in told if c["HostConfig"]["NetworkMode"] not in ("none", "host")}


def inside(pid):
    """Addresses by interface of a process's namespace, without loopback and what is link-local."""
    done = netns.run("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-j", "address", check=False)
    if done.returncode:
        return done.stderr  # it may have ended meanwhile
    return {link["ifname"]: sorted(a["local"] for a in link["addr_info"] if a["scope"] == "global")
            for link in json.loads(done.stdout) if link["ifname"] != "lo"}


def recorded(engine, container):
    """The same of a container as the store has it."""
    rows = inventory.query(engine, "SELECT e.position, a.address FROM endpoints AS e JOIN addresses AS a USING "
                           f"(container_id, network_id) WHERE container_id = '{container}' ORDER BY 1, 2")
    found = {}
    for position, address in rows:
        found.setdefault(f"eth{position}", []).append(address)
    return {name: sorted(addresses) for name, addresses in found.items()}


def elements(ns):
    """How many ports lead to a container, by its address, and the interfaces the rules know."""
    told = json.loads(ns.run("nft", "-j", "list", "ruleset").stdout)["nftables"]
    maps = [x["map"] for x in told if "map" in x and x["map"]["name"] in MAPS]
    ports = [element[1]["concat"] for m in maps for element in m.get("elem", [])]
    sets = [x["set"] for x in told if "set" in x and x["set"]["name"] == "bridges"]
    return sorted(f"{address} {port}" for address, port in ports), {name for s in sets for name in s.get("elem", [])}


def faults(engine, ns):
    """What is wrong, a sentence each."""
    now = running(engine)
    wrong = [f"{table} has {row[0]} of a container that does not run" for table in ("addresses", "ports") for row in
             inventory.query(engine, f"SELECT * FROM {table} WHERE container_id IS NOT NULL AND container_id NOT IN "
                             f"({','.join(repr(c) for c in now)})")]
    wrong += [f"address {row[0]} of a network that its container is not in" for row in inventory.query(
        engine, "SELECT address FROM addresses AS a WHERE container_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM endpoints AS e "
        "WHERE e.container_id = a.container_id AND e.network_id = a.network_id)")]
    wrong += [f"container {row[0]} is half in a network" for row in inventory.query(
        engine, "SELECT container_id FROM endpoints WHERE intent <> ''")]
    for container, pid in now.items():
        has, should = inside(pid), recorded(engine, container)
        if has != should:
            wrong.append(f"container {container[:12]} has {has} instead of {should}")
    ends = inventory.query(engine, "SELECT DISTINCT container_id, network_id FROM addresses WHERE container_id IS NOT NULL")
    links = ns.links()
    cables = [name for name in links if re.fullmatch("veth[0-9a-f]{8}", name)]
    if len(cables) != len(ends):
        wrong.append(f"{len(cables)} cables instead of {len(ends)}")
    known = inventory.column(engine, "SELECT bridge FROM networks WHERE bridge <> ''")
    wrong += [f"interface {name}" for name in links if name not in known and name not in cables]
    wrong += [f"network {row[0]} is half removed" for row in inventory.query(
        engine, "SELECT name FROM networks WHERE intent <> ''")]
    ports, bridges = elements(ns)
    should = sorted(f"{target} {port}" for target, port in inventory.query(engine, "SELECT target, container_port FROM ports WHERE relayed = 0"))
    if ports != should:
        wrong.append(f"ports lead to {ports} instead of {should}")
    wrong += [f"rules for {name}" for name in bridges - known]
    return wrong
