#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times images: pull, removal, push, first starts, builds and lists, beside docker and podman, in one run.

The image is made by the bench (bigimage.py) and comes from Debian's docker-registry on loopback, in a network
namespace of the bench's own. Prints a table and writes build/bench-images.json.
"""
import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import time

from common import TOP, Dockerd, Meanwhile, compare, directories, harness, pss_kb, row, save, seconds, without_cgroup2
import bigimage
import image

REGISTRY, OTHER = "127.0.0.1:5000", "127.0.0.1:5001"
BIG, SECOND = f"{REGISTRY}/big:latest", f"{REGISTRY}/second:latest"
DOCKERFILE = "FROM busybox\n" + "".join(f"RUN echo {i} > /step{i}\n" for i in range(10))


class Registry:
    """Debian's docker-registry, with its store below `root`."""

    def __init__(self, root, address):
        root.mkdir()
        config = root / "registry.yml"
        config.write_text(json.dumps({
            "version": 0.1, "log": {"level": "error"}, "http": {"addr": address},
            "storage": {"filesystem": {"rootdirectory": str(root / "store")}, "delete": {"enabled": True}}}))
        with open(root / "registry.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
        for _ in range(200):
            if subprocess.run(["curl", "-sf", f"http://{address}/v2/"], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError((root / "registry.log").read_text()[-2000:])

    def close(self):
        self.process.terminate()
        self.process.wait(30)


def skopeo_push(layout, name):
    subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", f"oci:{layout}:latest",
                    f"docker://{name}"], check=True)


class Peak(Meanwhile):
    """The most memory that the processes pids() names had at once, in KB of PSS."""

    def __init__(self, pids):
        super().__init__()
        self.pids, self.most = pids, 0

    def step(self):
        with contextlib.suppress(OSError, StopIteration):
            self.most = max(self.most, pss_kb(self.pids()))
        self.end.wait(0.02)


class Cleat:
    """An engine with one layer driver."""

    def __init__(self, run, driver):
        self.engine = harness.Engine(run=run / driver, config={"layer-driver": driver})

    def cli(self, *arguments):
        return self.engine.command(*arguments)

    def pids(self):
        return harness.processes_below(str(self.engine.root), str(self.engine.run), "cleat-worker")

    def build(self, tag, folder, *flags):
        return self.cli("build", "-q", "-t", tag, *flags, folder)


class Docker(Dockerd):
    def build(self, tag, folder, *flags):
        return ["env", "DOCKER_BUILDKIT=0", *self.cli("build", "-q", "--network", "none", "-t", tag, *flags, folder)]


def turns(table, what, unit, contenders, before, command, runs):
    """A row of medians: command(contender) is timed, before(contender) is not; they take turns."""
    times = {name: [] for name in contenders}
    for _ in range(runs):
        for name, contender in contenders.items():
            before(contender)
            times[name].append(seconds(command(contender)))
    row(table, what, unit, {name: statistics.median(values) for name, values in times.items()})


def quiet(command):
    subprocess.run(command, capture_output=True, check=False)


def bench_transfer(table, contenders, runs):
    turns(table, "pull", "s", contenders, lambda c: quiet(c.cli("rmi", "-f", BIG)), lambda c: c.cli("pull", BIG), runs)
    peaks = {}
    for name, contender in contenders.items():
        quiet(contender.cli("rmi", "-f", BIG))
        with Peak(contender.pids) as peak:
            subprocess.run(contender.cli("pull", BIG), check=True, capture_output=True)
        peaks[name] = peak.most / 1024
    row(table, "pull, peak memory", "MB PSS", peaks)
    turns(table, "pull, 4 of 5 layers here", "s", contenders, lambda c: quiet(c.cli("rmi", "-f", SECOND)),
          lambda c: c.cli("pull", SECOND), runs)
    # once, as all of them remember which repository has what
    names = {contender: f"{OTHER}/copy-{name.replace(' ', '-')}:1" for name, contender in contenders.items()}
    turns(table, "push", "s", contenders, lambda c: quiet(c.cli("tag", BIG, names[c])), lambda c: c.cli("push", names[c]), 1)
    turns(table, "push, all layers there", "s", contenders, lambda c: None, lambda c: c.cli("push", names[c]), runs)
    for contender, name in names.items():
        quiet(contender.cli("rmi", name))


def bench_removal(table, contenders, runs):
    def fetch(contender):
        quiet(contender.cli("rmi", "-f", SECOND))
        subprocess.run(contender.cli("pull", BIG), check=True, capture_output=True)

    turns(table, "removal", "s", contenders, fetch, lambda c: c.cli("rmi", "-f", BIG), runs)


def bench_starts(table, contenders):
    """The first container of an image nobody has read since the pull, and fifty of it."""
    first, fifty = {}, {}
    for name, contender in contenders.items():
        quiet(contender.cli("rmi", "-f", BIG))
        subprocess.run(contender.cli("pull", BIG), check=True, capture_output=True)
        first[name] = seconds(contender.cli("run", "--rm", "--network", "none", BIG, "true")) * 1000
        begin = time.perf_counter()
        for i in range(50):
            seconds(contender.cli("run", "-d", "--name", f"c{i}", "--network", "none", BIG, "sleep", "1000"))
        fifty[name] = time.perf_counter() - begin
        quiet(contender.cli("rm", "-f", *(f"c{i}" for i in range(50))))
    row(table, "first start after a pull", "ms", first)
    row(table, "50 containers of it", "s", fifty)


def bench_build(table, contenders, root, runs):
    folder = root / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    turns(table, "build, 10 RUN steps", "s", contenders, lambda c: None,
          lambda c: c.build("built", folder, "--no-cache"), runs)
    turns(table, "build, all cached", "s", contenders, lambda c: quiet(c.build("built", folder)),
          lambda c: c.build("built", folder), max(runs, 5))


def bench_context(table, contenders, root, runs):
    """A context of 500 MB in 10,000 files, of which the builders have seen nothing, all, and all but one."""
    folder, changing = root / "large", root / "large/d0/f0"
    for i in range(10000):
        path = folder / f"d{i // 100}/f{i % 100}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(50000))
    (folder / "Dockerfile").write_text("FROM busybox\nCOPY . /all/\n")
    turns(table, "context of 500 MB, first build", "s", contenders, lambda c: None, lambda c: c.build("large", folder), 1)
    turns(table, "context of 500 MB, nothing changed", "s", contenders, lambda c: None,
          lambda c: c.build("large", folder), runs)
    turns(table, "context of 500 MB, one file changed", "s", contenders,
          lambda c: changing.write_bytes(os.urandom(50000)), lambda c: c.build("large", folder), runs)


def bench_list(table, contenders, count=1000):
    layer = image.busybox_layer()
    files, manifests = [(f"{image.sha256(layer)}/layer.tar", layer)], []
    for i in range(count):
        config = image.config([layer], Labels={"number": str(i)})
        files.append((f"{image.sha256(config)}.json", config))
        manifests.append({"Config": files[-1][0], "RepoTags": [f"list{i}:latest"], "Layers": [files[0][0]]})
    files.append(("manifest.json", json.dumps(manifests).encode()))
    archive = image._tar(files)  # pylint: disable=protected-access
    for contender in contenders.values():
        subprocess.run(contender.cli("load"), input=archive, check=True, capture_output=True)
    medians = compare({name: c.cli("images") for name, c in contenders.items()}, 10)
    row(table, f"images, {count} of them", "ms", {name: value * 1000 for name, value in medians.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1, help="1 = 733 MB compressed, 60,000 files")
    parser.add_argument("--no-docker", action="store_true")
    parser.add_argument("--only", nargs="*", default=["transfer", "removal", "starts", "build", "context", "list"])
    options = parser.parse_args()
    without_cgroup2("-n")
    layout = TOP / "build" / "bench" / f"image-{options.scale:g}"
    packed, unpacked = bigimage.make(layout, options.scale)
    print(f"image: {packed / 1e6:.0f} MB compressed, {unpacked / 1e6:.0f} MB unpacked, scale {options.scale:g}")
    table = []
    with contextlib.ExitStack() as stack:
        root, run = stack.enter_context(directories(TOP / "build"))
        for i, address in enumerate((REGISTRY, OTHER)):
            stack.callback(Registry(root / f"registry{i}", address).close)
        skopeo_push(layout, BIG)
        skopeo_push(bigimage.derive(layout, root / "second"), SECOND)
        contenders = {"cleat": Cleat(run, "erofs"), "cleat dir": Cleat(run, "dir")}
        for contender in contenders.values():
            stack.enter_context(contender.engine).load_busybox()
        if shutil.which("dockerd") and not options.no_docker:
            contenders["docker"] = Docker(root, run, own_network=False)
            stack.callback(contenders["docker"].close)
            contenders["docker"].load_busybox()
        benches = {"transfer": lambda: bench_transfer(table, contenders, options.runs),
                   "removal": lambda: bench_removal(table, contenders, options.runs),
                   "starts": lambda: bench_starts(table, contenders),
                   "build": lambda: bench_build(table, contenders, root, options.runs),
                   "context": lambda: bench_context(table, contenders, root, options.runs),
                   "list": lambda: bench_list(table, contenders)}
        for name in options.only:
            benches[name]()
    save("bench-images", table)


if __name__ == "__main__":
    main()
