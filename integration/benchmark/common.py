# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: times of contenders that take turns, memory, Debian's dockerd, the table."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
import image  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def seconds(command, env=None):
    """Wall time of one process from spawn to exit; it must succeed. What it says goes nowhere."""
    start = time.perf_counter()
    pid = os.posix_spawn(shutil.which(command[0]) or command[0], command, {**os.environ, **(env or {})},
                         file_actions=[(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_WRONLY, 0) for fd in (1, 2)])
    _, status = os.waitpid(pid, 0)
    taken = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {os.waitstatus_to_exitcode(status)}")
    return taken


def compare(contenders, runs):
    """{name: command} -> {name: median seconds}, taking turns after one warm-up each."""
    times = {name: [] for name in contenders}
    for i in range(runs + 2):
        for name, command in contenders.items():
            taken = seconds(command)
            if i >= 2:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


def rate(command, count, workers=4):
    """Completed runs of a command a second, `workers` at a time; xargs(1) starts them, as it costs little itself."""
    start = time.perf_counter()
    subprocess.run(["xargs", "-P", str(workers), "-I", "{}", *command], check=True, stdout=subprocess.DEVNULL,
                   input="\n".join(str(i) for i in range(count)), text=True)
    return count / (time.perf_counter() - start)


def pss_kb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total


class Meanwhile:
    """Takes step() over and over, in a thread, while a block runs."""

    def __init__(self):
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.end.is_set():
            self.step()

    def step(self):
        raise NotImplementedError

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


class Dockerd:
    """Debian's dockerd, in a network namespace of its own unless this process is in one. `bridge`: with its default network
    and its rules. `hosts`: where it listens besides its socket."""

    def __init__(self, root, run, own_network=True, bridge=False, hosts=()):
        self.root, self.run = root / "docker", run / "docker"
        self.host = f"unix://{root}/docker.sock"
        self.root.mkdir()
        log = open(root / "dockerd.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [*(("unshare", "-n", "--") if own_network else ()), "dockerd", "--data-root", self.root / "data", "--exec-root", self.run,
             "--pidfile", self.root / "pid", "-H", self.host, *(f"-H={h}" for h in hosts), *(() if bridge else ("--iptables=false", "--bridge=none"))],
            stdout=log, stderr=log, start_new_session=True)
        for _ in range(300):
            if subprocess.run(self.cli("version"), capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        else:
            raise RuntimeError((root / "dockerd.log").read_text()[-2000:])

    def cli(self, *arguments):
        return ["docker", "-H", self.host, *arguments]

    def load_busybox(self):
        subprocess.run(self.cli("load"), input=image.docker_archive(["busybox:latest"]), check=True, capture_output=True)

    def pids(self):
        return [p for p in harness.processes_below(str(self.root), str(self.run))
                if harness.exe(p) in ("dockerd", "containerd")]

    def close(self):
        self.process.terminate()
        self.process.wait(30)


def run_directory():
    """A directory for what lives until the next boot, on a tmpfs as /run is on a usual host."""
    for place in ("/run", "/dev/shm"):
        if subprocess.run(["stat", "-f", "-c", "%T", place], capture_output=True, text=True,
                          check=False).stdout.strip() == "tmpfs":
            return pathlib.Path(tempfile.mkdtemp(prefix="cleat-bench-", dir=place))
    return pathlib.Path(tempfile.mkdtemp(prefix="cleat-bench-"))


@contextlib.contextmanager
def directories(within=None):
    """One for what stays (in `within`), and run_directory(); both are removed at the end."""
    root, run = pathlib.Path(tempfile.mkdtemp(prefix="cleat-bench-", dir=within)), run_directory()
    try:
        yield root, run
    finally:
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(run, ignore_errors=True)


def save(name, table):
    (TOP / "build" / f"{name}.json").write_text(json.dumps(table, indent=1))


def row(table, what, unit, values, note=""):
    base = values.get("cleat")
    cells = []
    for name, value in values.items():
        ratio = f" ({value / base:.2f}x)" if base and name != "cleat" else ""
        cells.append(f"{name} {value:.4g}{ratio}")
    print(f"{what:<28} [{unit}] " + "  ".join(cells) + (f"   {note}" if note else ""), flush=True)
    table.append({"what": what, "unit": unit, "values": values})


def without_cgroup2(*unshare):
    """crun and podman want cgroup v1 alone: a mount namespace of our own without the cgroup2 mount.
    `unshare` are further flags of unshare(1)."""
    if os.environ.get("CLEAT_BENCH_INSIDE"):
        return
    os.environ["CLEAT_BENCH_INSIDE"] = "1"
    script = ("ip link set lo up 2>/dev/null; for m in $(awk '$(NF-2) == \"cgroup2\" || $9 == \"cgroup2\" {print $5}' /proc/self/mountinfo); "
              "do umount \"$m\"; done; exec \"$@\"")
    os.execvp("unshare", ["unshare", "-m", *unshare, "--", "sh", "-c", script, "sh", sys.executable, *sys.argv])
