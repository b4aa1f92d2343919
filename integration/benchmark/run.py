#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times cleat beside crun, runc, podman and docker, and beside the bare floor, in one run.

Only ratios within one run mean anything: machines of the same size differ threefold. Every figure is a
median; the contenders of one row take turns (A B C A B C …), so that a drifting machine hits all alike.
Engines that are not installed are left out. Prints a table and writes build/bench.json.
"""
import argparse
import contextlib
import json
import shutil
import subprocess

from common import TOP, Dockerd, compare, directories, harness, pss_kb, rate, row, save, without_cgroup2
import image

FLOOR = TOP / "build" / "bench" / "floor"


class Bundle:
    """A ready OCI bundle of busybox for runtimes that take one."""

    def __init__(self, root):
        self.path = root / "bundle"
        rootfs = self.path / "rootfs"
        for folder in ("bin", "proc", "sys", "dev", "tmp", "etc"):
            (rootfs / folder).mkdir(parents=True)
        shutil.copy(image.BUSYBOX, rootfs / "bin" / "busybox")
        for applet in ("true", "sleep", "sh"):
            (rootfs / "bin" / applet).symlink_to("busybox")
        subprocess.run(["runc", "spec"], cwd=self.path, check=True)
        self.write(["true"])

    def write(self, arguments):
        path = self.path / "config.json"
        config = json.loads(path.read_text())
        config["process"]["args"] = arguments
        config["process"]["terminal"] = False
        config["linux"]["cgroupsPath"] = "/cleat-bench-runtime"
        path.write_text(json.dumps(config))


def build_floor():
    FLOOR.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-static", "-D_GNU_SOURCE", "-o", FLOOR, TOP / "integration/benchmark/floor.c"],
                   check=True)


def bench_runs(table, engine, bundle, docker, runs):
    floor = str(FLOOR)
    bundle.write(["true"])
    contenders = {"cleat": engine.command("run", "--rm", "--network", "none", "busybox", "true"),
                  "fork+exec": [floor, "exec"], "namespaces": [floor, "sandbox", str(bundle.path / "rootfs")]}
    for runtime in ("crun", "runc"):
        if shutil.which(runtime):
            contenders[runtime] = [runtime, "run", "--bundle", str(bundle.path), f"bench-{runtime}"]
    if docker:
        contenders["docker"] = docker.cli("run", "--rm", "--network", "none", "busybox", "true")
    medians = compare(contenders, runs)
    row(table, "run --rm true, no network", "ms", {k: v * 1000 for k, v in medians.items()})


def bench_exec(table, engine, bundle, docker, runs):
    engine.out("run", "-d", "--name", "target", "busybox", "sleep", "1000")
    contenders = {"cleat": engine.command("exec", "target", "true"), "fork+exec": [str(FLOOR), "exec"]}
    started = []
    bundle.write(["sleep", "1000"])
    for runtime in ("crun", "runc"):
        if shutil.which(runtime):
            subprocess.run([runtime, "run", "-d", "--bundle", bundle.path, f"target-{runtime}"], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            started.append([runtime, "delete", "-f", f"target-{runtime}"])
            contenders[runtime] = [runtime, "exec", f"target-{runtime}", "true"]
            break
    if docker:
        subprocess.run(docker.cli("run", "-d", "--name", "target", "--network", "none", "busybox", "sleep", "1000"),
                       check=True, capture_output=True)
        started.append(docker.cli("rm", "-f", "target"))
        contenders["docker"] = docker.cli("exec", "target", "true")
    try:
        medians = compare(contenders, runs)
        row(table, "exec true", "ms", {k: v * 1000 for k, v in medians.items()})
        lists = {"cleat": engine.command("ps")}
        if docker:
            lists["docker"] = docker.cli("ps")
        medians = compare(lists, runs)
        row(table, "ps, one container", "ms", {k: v * 1000 for k, v in medians.items()})
    finally:
        for command in started:
            subprocess.run(command, capture_output=True, check=False)
        engine.out("rm", "-f", "target")


def bench_rate(table, engine, docker, count):
    command = ["run", "--rm", "--network", "none", "busybox", "true"]
    values = {"cleat": rate(engine.command(*command), count)}
    if docker:
        values["docker"] = rate(docker.cli(*command), max(8, count // 10))
    row(table, "start + remove, 4 at a time", "1/s", values)


def bench_memory(table, engine, docker, count=20):
    row(table, "engine idle", "KB PSS", {"cleat": pss_kb(engine.engine_pids()),
                                         **({"docker": pss_kb(docker.pids())} if docker else {})})
    ids = [engine.out("run", "-d", "busybox", "sleep", "1000") for _ in range(count)]
    shims = [p for p in harness.processes_below(str(engine.root)) if harness.exe(p) == "cleat-shim"]
    values = {"cleat": pss_kb(shims) / count}
    if docker:
        docker_ids = [subprocess.run(docker.cli("run", "-d", "--network", "none", "busybox", "sleep", "1000"), check=True,
                                     capture_output=True, text=True).stdout.strip() for _ in range(5)]
        shims = [p for p in harness.processes_below(str(docker.run)) if "shim" in harness.exe(p)]
        values["docker"] = pss_kb(shims) / 5
        subprocess.run(docker.cli("rm", "-f", *docker_ids), capture_output=True, check=False)
    row(table, "per running container", "KB PSS", values)
    engine.out("rm", "-f", *ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--rate-count", type=int, default=400)
    parser.add_argument("--no-docker", action="store_true")
    options = parser.parse_args()
    without_cgroup2()
    build_floor()
    table, docker = [], None
    with contextlib.ExitStack() as stack:
        root, run = stack.enter_context(directories())
        bundle = Bundle(root)
        if shutil.which("dockerd") and not options.no_docker:
            docker = Dockerd(root, run)
            stack.callback(docker.close)
            docker.load_busybox()
        engine = stack.enter_context(harness.Engine(run=run / "cleat"))
        engine.load_busybox()
        bench_memory(table, engine, docker)
        bench_runs(table, engine, bundle, docker, options.runs)
        bench_exec(table, engine, bundle, docker, options.runs)
        bench_rate(table, engine, docker, options.rate_count)
    save("bench", table)


if __name__ == "__main__":
    main()
