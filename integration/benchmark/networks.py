#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times containers that have a network: one alone, many in turn, many at once; beside docker and podman, in one run.

Each engine is in a network namespace of its own, with a bridge and rules as it makes them. Only ratios within one run
mean anything. Prints a table and writes build/bench-networks.json. --containers N also starts N networked containers that
stay, and draws what the n-th costs into build/bench-networks.svg. The rate of starts and removals of the others is taken
of a few, which flatters them; --same-rate-count has them do as many.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import time

from common import TOP, Dockerd, Meanwhile, compare, directories, harness, pss_kb, rate, row, save, seconds, without_cgroup2
import chart
import dns
import image
import netns

PODMAN_IMAGE = "localhost/busybox:latest"


class Podman:
    """Without a daemon: directories of its own, in a namespace of its own."""

    def __init__(self, root, run, ns):
        self.ns = ns
        self.flags = ["podman", "--root", str(root / "podman"), "--runroot", str(run / "podman"), "--cgroup-manager", "cgroupfs",
                      "--runtime", "crun"]
        archive = root / "busybox.tar"
        archive.write_bytes(image.docker_archive([PODMAN_IMAGE]))
        subprocess.run(self.cli("load", "-i", archive), check=True, capture_output=True)

    def cli(self, *arguments):
        return self.ns.inside(*self.flags, *arguments)


def run_command(name, engine):
    if name == "cleat":
        return engine.command("run", "--rm", "busybox", "true")
    if name == "podman":  # its own limits may be more than this machine grants
        return engine.cli("run", "--rm", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", PODMAN_IMAGE, "true")
    return engine.cli("run", "--rm", "busybox", "true")


def bench_runs(table, engines, runs):
    medians = compare({name: run_command(name, e) for name, e in engines.items()}, runs)
    row(table, "run --rm true, bridge", "ms", {k: v * 1000 for k, v in medians.items()})


def bench_rate(table, engines, count, others):
    values = {name: rate(run_command(name, e), count if name == "cleat" else others) for name, e in engines.items()}
    row(table, f"start + remove, bridge, 4 at a time, {count} of them", "1/s", values)


class Starts(Meanwhile):
    """Starts and removes containers one after the other while something else goes on."""

    def __init__(self, engine):
        super().__init__()
        self.engine, self.times = engine, []

    def step(self):
        self.times.append(seconds(run_command("cleat", self.engine)))


def throughput(server, client, address):
    """Gbit/s between two namespaces, each given as what enters it."""
    with subprocess.Popen([*server, "iperf3", "-s", "-1", "--forceflush"], stdout=subprocess.PIPE, text=True) as listening:
        for line in listening.stdout:
            if "listening" in line:
                break
        told = subprocess.run([*client, "iperf3", "-J", "-t", "2", "-c", address], capture_output=True, text=True, check=True)
        listening.communicate(timeout=30)
    return json.loads(told.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9


def pass_bridged_frames(ns, on):
    """Whether the bridges of the namespace show their frames to the host's firewall: a setting of the host's, which Docker
    turns on for all by loading br_netfilter. False = there is none to make."""
    found = ns.inside("sh", "-c", f"for f in /proc/sys/net/bridge/bridge-nf-call-*tables; do echo {on:d} > $f || exit; done")
    return subprocess.run(found, stderr=subprocess.DEVNULL, check=False).returncode == 0


def bench_throughput(table, engine, ns, runs, what):
    """Rounds of: a bare pair of veths, the host to a container, a container to another. Each is compared with the pair of
    its own round, so that a machine that is busy for a while is so for all of them."""
    for name in ("one", "two"):
        engine.out("run", "-d", "--name", name, "-p", "5201", "busybox", "sleep", "100000")
    told = [json.loads(engine.out("inspect", name))[0] for name in ("one", "two")]
    inside = [["nsenter", f"--net=/proc/{c['State']['Pid']}/ns/net"] for c in told]
    address = told[0]["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    rounds = []
    # the pair is in namespaces where nobody has rules
    with netns.Netns() as bare, netns.Netns() as other:
        _, there = bare.cable(other, "10.98.0")
        ways = {"veth": (other.inside(), bare.inside(), there), "host to container": (inside[0], ns.inside(), address),
                "container to container": (inside[0], inside[1], address)}
        for number in range(runs):
            order = list(ways)[number % 3:] + list(ways)[:number % 3]
            rounds.append({name: throughput(*ways[name]) for name in order})
    row(table, what, "Gbit/s", {name: statistics.median(r[name] for r in rounds) for name in ways})
    row(table, f"{what}, of a bare veth", "%", {name: statistics.median(100 * r[name] / r["veth"] for r in rounds)
                                                for name in ways if name != "veth"})
    engine.out("rm", "-f", "one", "two")


def available_kb():
    return int(re.search(r"MemAvailable:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="utf-8"))[1])


def look_up(engine, n, names):
    """Milliseconds of look-ups of `names` by one of n containers: their mean, and what one in a hundred exceeds."""
    pid = engine.out("inspect", "-f", "{{.State.Pid}}", f"box-{n}")
    times = [1000 * t for t in dns.times(["nsenter", f"--net=/proc/{pid}/ns/net"], names)]
    return statistics.mean(times), statistics.quantiles(times, n=100)[98]


def measure(engine, n, before):
    """What n containers cost at this moment."""
    names = [f"box-{1 + i * 7919 % n}" for i in range(200)]
    mean, slowest = look_up(engine, n, names)
    return {"n": n, "ps": statistics.median(seconds(engine.command("ps", "-q")) for _ in range(5)) * 1000,
            "dns": mean, "dns99": slowest, "shim": pss_kb(engine.shims()) / n, "all": (before - available_kb()) / n}


def start_many(table, engine, count):
    """Starts them, measures on the way, and returns the panels of the chart."""
    before, starts, points = available_kb(), [], []
    engine.out("network", "create", "--subnet", "10.200.0.0/20", "many")  # the default one has 253 addresses
    for n in range(1, count + 1):
        starts.append(1000 * seconds(engine.command("run", "-d", "--network", "many", "--name", f"box-{n}", "busybox",
                                                    "sleep", "100000")))
        if n % max(count // 50, 1) == 0:
            points.append(measure(engine, n, before))
    last = points[-1]
    row(table, f"start, the first of {count}", "ms", {"cleat": statistics.median(starts[:20])})
    row(table, f"start, the last of {count}", "ms", {"cleat": statistics.median(starts[-20:])})
    row(table, f"ps of {count}", "ms", {"cleat": statistics.median(p["ps"] for p in points[-5:])})
    mean, slowest = look_up(engine, count, [f"box-{n}" for n in range(1, count + 1)])
    row(table, f"name look-up, {count} names", "ms", {"cleat": mean, "p99": slowest})
    row(table, "a shim", "KB PSS", {"cleat": last["shim"]})
    row(table, "a container, all of the machine's memory", "KB", {"cleat": last["all"]})
    row(table, f"engine with {count}", "KB PSS", {"cleat": pss_kb(engine.engine_pids())})
    some = lambda key: [(p["n"], p[key]) for p in points]
    return [("ms", {"start of the n-th": list(enumerate(starts, 1)), "ps with n": some("ps")}),
            ("ms", {"name look-up with n, mean": some("dns"), "name look-up with n, p99": some("dns99")}),
            ("KB a container", {"shim": some("shim"), "all of the machine's memory": some("all")})]


def bench_many(table, engine, ns, count):
    """`count` networked containers at once."""
    alone = statistics.median(seconds(run_command("cleat", engine)) for _ in range(20))
    panels = start_many(table, engine, count)
    ids = engine.out("ps", "-q").split()
    with Starts(engine) as starts:
        removal = seconds(engine.command("rm", "-f", *ids))
        gone = time.perf_counter()
    row(table, f"rm -f of {count}", "s", {"cleat": removal})
    row(table, "a run while they are removed", "ms", {"cleat": statistics.median(starts.times) * 1000,
                                                      "the longest": max(starts.times) * 1000, "alone": alone * 1000})
    harness.wait_until(lambda: not [x for x in ns.links() if x.startswith("veth")], timeout=600, what="end of the interfaces")
    row(table, "until the last interface is gone", "s", {"cleat": time.perf_counter() - gone})
    engine.expect_nothing_left()
    chart.draw(TOP / "build" / "bench-networks.svg", f"{count} networked containers", "n containers", panels)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rate-count", type=int, default=1000)
    parser.add_argument("--same-rate-count", action="store_true")
    parser.add_argument("--throughput-rounds", type=int, default=9)
    parser.add_argument("--containers", type=int, default=0, metavar="N")
    parser.add_argument("--only-cleat", action="store_true")
    options = parser.parse_args()
    without_cgroup2()
    print(f"load average at the beginning: {os.getloadavg()[0]:.1f}", flush=True)
    table, engines = [], {}
    with contextlib.ExitStack() as stack:
        root, run = stack.enter_context(directories())
        ns, podman_ns = stack.enter_context(netns.Netns()), stack.enter_context(netns.Netns())
        engine = engines["cleat"] = stack.enter_context(harness.Engine(run=run / "cleat", netns=ns.name))
        engine.load_busybox()
        if shutil.which("dockerd") and not options.only_cleat:
            engines["docker"] = Dockerd(root, run, bridge=True)
            stack.callback(engines["docker"].close)
            engines["docker"].load_busybox()
        if shutil.which("podman") and not options.only_cleat:
            engines["podman"] = Podman(root, run, podman_ns)
        bench_runs(table, engines, options.runs)
        bench_rate(table, engines, options.rate_count,
                   options.rate_count if options.same_rate_count else max(8, options.rate_count // 25))
        if shutil.which("iperf3"):
            for on in (False, True):
                if pass_bridged_frames(ns, on) or not on:
                    bench_throughput(table, engine, ns, options.throughput_rounds, "iperf3, br_netfilter" if on else "iperf3")
        if options.containers:
            bench_many(table, engine, ns, options.containers)
    save("bench-networks", table)


if __name__ == "__main__":
    main()
