#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks cleat's gateway and dockerd over HTTP, with wrk, in one run and in turns; and what idle hijacked connections cost.

Both serve plain TCP on the loopback device of a network namespace of their own. Only ratios within one run mean anything.
The floor is a loop that answers without looking: what wrk can ask here of anybody, most of it the kernel's work and wrk's.
Prints a table and writes build/bench-gateway.json.
"""
import argparse
import contextlib
import re
import resource
import shutil
import socket
import statistics
import subprocess

from common import TOP, Dockerd, directories, harness, pss_kb, row, save, without_cgroup2

import gateway as gateways

PORTS = {"cleat": 2375, "docker": 2376, "floor": 2377}
FLOOR = TOP / "build" / "bench" / "httpfloor"
IDLE, PER_CONTAINER = 1000, 50


def wrk(port, path, seconds):
    """(requests a second, p99 in ms)"""
    out = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}{path}"],
                         check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def ask(table, what, names, path, options):
    """Takes turns, after one short turn each that does not count."""
    seen = {name: [] for name in names}
    for i in range(options.rounds + 1):
        for name in names:
            result = wrk(PORTS[name], path, options.seconds if i else 1)
            if i:
                seen[name].append(result)
    row(table, what, "1/s", {n: statistics.median(rate for rate, _ in v) for n, v in seen.items()})
    row(table, f"{what}, p99", "ms", {n: statistics.median(p99 for _, p99 in v) for n, v in seen.items()})


def create(engine, docker, n):
    for name, command in {"cleat": engine.command, **({"docker": docker.cli} if docker else {})}.items():
        create_one = command("create", *(["--network", "none"] if name == "docker" else []), "busybox", "true")
        for _ in range(n):
            subprocess.run(create_one, check=True, capture_output=True)


def bench_idle(table, gateway):
    """Connections that are attached to containers and silent."""
    ids = [gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"]}, 201)["Id"]
           for _ in range(IDLE // PER_CONTAINER)]
    for cid in ids:
        gateway.json("POST", f"/containers/{cid}/start", status=204)
    before = pss_kb([gateway.process.pid])
    with contextlib.ExitStack() as stack:
        for cid in ids * PER_CONTAINER:
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.connect(str(gateway.path))
            sock.sendall(f"POST /containers/{cid}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n"
                         "Connection: Upgrade\r\n\r\n".encode())
            answer = sock.recv(500)
            assert answer.startswith(b"HTTP/1.1 101"), answer
        after = pss_kb([gateway.process.pid])
    row(table, "gateway, idle", "MB", {"cleat": before / 1024})
    row(table, f"{IDLE} idle hijacked connections", "MB", {"cleat": (after - before) / 1024})
    for cid in ids:
        gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


def answers():
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", PORTS["floor"])) == 0


@contextlib.contextmanager
def floor():
    """Serves while the block runs."""
    FLOOR.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", FLOOR, TOP / "integration/benchmark/httpfloor.c"], check=True)
    with subprocess.Popen([FLOOR, str(PORTS["floor"])]) as process:
        try:
            harness.wait_until(answers, what="the floor")
            yield
        finally:
            process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3, help="of one turn")
    parser.add_argument("--rounds", type=int, default=3, help="turns that count")
    options = parser.parse_args()
    without_cgroup2("-n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    table = []
    with directories() as (root, run), harness.Engine() as engine, contextlib.ExitStack() as stack:
        engine.load_busybox()
        gateway = gateways.Gateway(engine, f"--listen=tcp://127.0.0.1:{PORTS['cleat']}", "--unauthenticated-loopback-tcp")
        stack.callback(gateway.close)
        docker = None
        if shutil.which("dockerd"):
            docker = Dockerd(root, run, own_network=False, hosts=[f"tcp://127.0.0.1:{PORTS['docker']}"])
            stack.callback(docker.close)
            docker.load_busybox()
        names = ["cleat", *(["docker"] if docker else [])]
        with floor():
            ask(table, "_ping", [*names, "floor"], "/_ping", options)
        for n in (1, 100):
            create(engine, docker, n - (n > 1))
            ask(table, f"containers/json, {n}", names, "/containers/json?all=1", options)
        bench_idle(table, gateway)
    save("bench-gateway", table)
    print(f"written to {TOP / 'build' / 'bench-gateway.json'}")


if __name__ == "__main__":
    main()
