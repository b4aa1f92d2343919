# SPDX-License-Identifier: Apache-2.0
"""Real engines for tests: each in a state and run directory of its own, ended with all it started."""
import contextlib
import errno
import fcntl
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("CLEAT_BIN", TOP / "build" / "bin"))
SANITIZED = (BIN.parent / "reports").is_dir()  # where sanitizers report; integration/sanitize/options.c
READY_TIMEOUT_S = 60
LAYER_DRIVER = os.environ.get("CLEAT_LAYER_DRIVER")  # that engines are told to use; None = they choose
KERNEL = tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])


def wait_until(condition, timeout=60.0, what="condition"):
    """Polls until condition() is true and returns its value; fails the test when it never is."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what() if callable(what) else what} not reached within {timeout} s")
        time.sleep(0.01)


def processes_below(*needles):
    """pids of processes whose command line holds one of the strings."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                line = pathlib.Path("/proc", entry, "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if any(needle in line for needle in needles):
                found.append(int(entry))
    return found


def kill_below(root):
    """Ends the processes whose command line holds that path, and those they start meanwhile."""
    def are_gone():
        pids = processes_below(str(root))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    wait_until(are_gone, what=f"the end of what runs below {root}")


def children(pid):
    """pids of the children of all its threads, of which some may just be ending, as may it itself."""
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii").split())
    return found


def opened(pid):
    """Descriptors (O_PATH) of all that a process has open, one after the other: what it closes meanwhile is not among them."""
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            fd = os.open(f"/proc/{pid}/fd/{number}", os.O_PATH)
        except FileNotFoundError:
            continue
        try:
            yield fd
        finally:
            os.close(fd)


def mount_of(fd):
    """The number of the mount that what is open is on."""
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
        return next(line.split()[1] for line in info if line.startswith("mnt_id:"))


class Engine:
    """One `cleatd` with its directories; a context manager that leaves nothing behind."""

    def __init__(self, root=None, run=None, config=None, netns=None, resolv_conf=None, inside=()):
        self.root = pathlib.Path(root or tempfile.mkdtemp(prefix="cleat-test-"))
        self.state, self.run = self.root / "state", run or self.root / "run"
        self.log_path = self.root / "cleatd.log"
        self.process = None
        self.arguments = []
        # The host's network is not the tests': without a namespace of its own an engine makes no network.
        self.netns = netns
        # What it finds as the host's resolv.conf; None = the host's own.
        self.resolv_conf = resolv_conf
        self.inside = inside  # a command that runs the engine
        self.root.mkdir(parents=True, exist_ok=True)
        self.configure(config)
        self.arguments = ["--config", self.root / "config.json"]
        self.host = f"ipc://{self.run}/cleat.sock"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.destroy()

    def configure(self, config=None):
        """Writes its configuration, which it reads when it starts next."""
        config = {**({"layer-driver": LAYER_DRIVER} if LAYER_DRIVER else {}),
                  **({} if self.netns else {"bridge": "none"}), **(config or {})}
        (self.root / "config.json").write_text(json.dumps(config), encoding="utf-8")

    def spawn(self, *arguments, env=None, **kw):
        """`env`: more of the environment; `kw`: of Popen."""
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*(["nsenter", f"--net=/run/netns/{self.netns}"] if self.netns else []),
                 *(["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.resolv_conf]
                   if self.resolv_conf else []), *self.inside, BIN / "cleatd",
                 "--state", self.state, "--run", self.run, *self.arguments, *arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **(env or {})}, **kw)

    def start(self, *arguments, env=None):
        self.spawn(*arguments, env=env)
        done = self.cleat("system", "wait-ready", "--timeout", f"{READY_TIMEOUT_S}s", check=False)
        assert done.returncode == 0, done.stderr + self.log()

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def kill(self, number=signal.SIGKILL):
        """Ends the engine that answers now, which after an upgrade is another than was started."""
        for pid in self.engine_pids():
            with contextlib.suppress(ProcessLookupError):  # one that was drained may just have ended
                os.kill(pid, number)
        if self.process:
            self.process.wait(60)
        wait_until(lambda: not self.engine_pids(), what="end of the engine")

    def engine_pids(self):
        """Engines that serve this run directory: they and nobody else have it on their command line."""
        return [p for p in processes_below(str(self.run)) if exe(p) == "cleatd"]

    def command(self, *arguments):
        return [str(BIN / "cleat"), "-H", self.host, *map(str, arguments)]

    def cleat(self, *arguments, check=True, text=True, timeout=60, **kw):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=text, timeout=timeout,
                              check=False, **kw)
        if check and done.returncode:
            raise AssertionError(f"cleat {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}\n{self.log()[-4000:]}")
        return done

    def out(self, *arguments, **kw):
        """Standard output of a command that must succeed, without the last newline."""
        return self.cleat(*arguments, **kw).stdout.rstrip("\n")

    def popen(self, *arguments, **kw):
        return subprocess.Popen(self.command(*arguments), **kw)

    def shims(self, cid=None):
        """pids of the shims that serve this engine's containers, or the one of that id. One may end after its container is
        removed. A child that has yet to execute its program, of which every health check has one, is none."""
        found = [p for p in processes_below(cid or str(self.root)) if exe(p) == "cleat-shim"]
        return [p for p in found if parent(p) not in (None, *found)]

    def wait_for_log(self, name, text):
        """Waits until the container `name` has written `text`."""
        wait_until(lambda: text in self.out("logs", name), what=f"{text!r} in the log of {name}")

    def load_busybox(self):
        import image  # pylint: disable=import-outside-toplevel
        self.cleat("load", text=False, input=image.docker_archive(["busybox:latest"]))

    def expect_no_work(self):
        """What is under way has a directory, but parts of blobs, which stay. An engine that has just started has one too, as it
        looks for what others have left: that may be the first there is."""
        def under_way():
            with contextlib.suppress(FileNotFoundError):
                return [name for name in os.listdir(self.state / "tmp") if name != "partial"]
            return []

        wait_until(lambda: not under_way(), what=lambda: f"the end of the work in {under_way()}")

    def expect_nothing_left(self):
        """Once all containers are removed; their files go a moment later."""
        wait_until(lambda: not self.leftovers(), what=lambda: f"end of {self.leftovers()}")

    def leftovers(self):
        """What lives on below this engine's directories once all containers are removed."""
        left = [f"process {p} {exe(p)}" for p in processes_below(str(self.root)) if exe(p) != "cleatd"]
        left += [f"mount {line.split()[4]}" for line in mounts_of(self)]
        for folder in (self.state / "containers", self.run / "shim", self.run / "oci"):
            if folder.is_dir():
                left += [f"file {p}" for p in folder.iterdir() if not p.name.startswith(".")]
        left += [f"file {p}" for p in (self.state / "volumes").glob(".gone-*")]
        return left

    def destroy(self):
        """Removes the containers, ends the engine and every process of it, and the directories."""
        try:
            if self.process and self.engine_pids():
                ids = self.cleat("ps", "-aq", "--no-trunc", check=False).stdout.split()
                if ids:
                    self.cleat("rm", "-f", *ids, check=False, timeout=120)
                self.kill(signal.SIGTERM)
        finally:
            kill_below(self.root)
            self.remove_cgroups()
            shutil.rmtree(self.root, ignore_errors=True)

    def remove_cgroups(self):
        """The groups of an engine that was killed, and what runs in them: one that ends in order removes its own."""
        name = f"cleat-{fnv1a(os.path.realpath(self.run)):08x}"
        for group in [*pathlib.Path("/sys/fs/cgroup").glob(f"*/{name}"), pathlib.Path("/sys/fs/cgroup", name)]:
            for folder, _, _ in os.walk(group, topdown=False):
                self.remove_group(pathlib.Path(folder))

    @staticmethod
    def remove_group(group):
        """Kills what a control group has, and removes it. One that ends is no longer among its processes a moment before
        the group is empty."""
        def is_gone():
            try:
                for pid in (group / "cgroup.procs").read_text(encoding="utf-8").split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                os.rmdir(group)
            except OSError as e:
                return e.errno in (errno.ENOENT, errno.ENODEV)
            return True

        wait_until(is_gone, what=f"the end of the processes of {group}")


@functools.cache
def layer_driver_of_choice():
    """The layer driver an engine takes here when nothing tells it which."""
    with Engine(config={"layer-driver": ""}) as engine:
        return re.search(r"layer driver=(\w+)$", engine.log(), re.M).group(1)


def fnv1a(text):
    """The hash an engine names its control group by."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 & 0xffffffff
    return value


def codes_of_an_orphan(code):
    """What the exit code of a process may be whose shim was killed: kernels since 6.15 tell it for sure
    (PIDFD_GET_INFO), with others somebody may have reaped the process first."""
    return (code,) if KERNEL >= (6, 15) else (code, 255)


@contextlib.contextmanager
def stopped(pid):
    """While it lasts the process does nothing, in none of its threads."""
    def state(thread):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            return (thread / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        return None

    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: {state(thread) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()} == {"T"},
                   what=f"{pid} to stand still")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def reserved_port(address="127.0.0.1"):
    """A socket at a port of the address: as long as it is open the kernel gives that to nobody who asks for any, listener or
    client, while a server that is told the port can listen there (all set SO_REUSEADDR), and again when it was restarted."""
    held = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((address, 0))
    return held


def is_connected(pid):
    """Whether a socket of the process is connected to another by its name in the file system."""
    sockets = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            sockets.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    lines = pathlib.Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()[1:]
    return any(fields[5] == "03" and f"socket:[{fields[6]}]" in sockets for fields in map(str.split, lines))


def wait_for_connection(client):
    """Until it has one, a command finds either an engine or none; from then on it waits for the next engine."""
    wait_until(lambda: is_connected(client.pid), what="the client's connection")


def mounts_of(engine):
    """What the table of mounts has that is the engine's: the table is also that of tests beside this one."""
    table = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line for line in table if str(engine.root) in line]


def exe(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")
    except OSError:
        return ""


def parent(pid):
    """None when the process is gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in lines if line.startswith("PPid:"))


def kill_shim(engine):
    """Of the one container there is; the shim of one that was removed may still be ending."""
    shims = wait_until(lambda: len(found := engine.shims()) == 1 and found, what=lambda: f"one shim: {engine.shims()}")
    os.kill(shims[0], signal.SIGKILL)
    return shims[0]


@contextlib.contextmanager
def slowed(pid, call, seconds=3):
    """Within, each such system call of the process takes that long before it begins."""
    import slowcalls  # pylint: disable=import-outside-toplevel
    tracer = slowcalls.Slowed(pid, call, seconds)
    try:
        yield
    finally:
        tracer.end()


@contextlib.contextmanager
def slow_end(engine, cid):
    """Kills the shim; within, its lock is held as by one that takes long to end. Gives its pid."""
    held, release = threading.Event(), threading.Event()
    lock = open(engine.run / "shim" / cid / "lock", "r+b")

    def hold():
        while not release.is_set() and not held.is_set():
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # granted when the shim is gone
                held.set()
            except OSError:
                pass

    with lock:
        holder = threading.Thread(target=hold)
        holder.start()
        try:
            killed = kill_shim(engine)
            # a successor may be as fast
            wait_until(lambda: held.is_set() or set(engine.shims()) - {killed}, what="the end of the shim")
            yield killed
        finally:
            release.set()
            holder.join()
