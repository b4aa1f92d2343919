# SPDX-License-Identifier: Apache-2.0
"""What kill -9 of any part must not do."""
import itertools
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import threading
import time

import disks
import harness
import pytest

LINES_100MB = 1_200_000


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def test_containers_outlive_the_engine(busybox):
    busybox.out("run", "-d", "--name", "ca", "busybox", "sleep", "1000")
    pid = inspect(busybox, "ca")["State"]["Pid"]
    busybox.kill(signal.SIGKILL)
    os.kill(pid, 0)
    busybox.start()
    assert inspect(busybox, "ca")["State"]["Pid"] == pid
    assert busybox.out("exec", "ca", "echo", "ok") == "ok"
    busybox.out("rm", "-f", "ca")
    busybox.expect_nothing_left()


@pytest.mark.parametrize("command", [("ps", "-q"), ("run", "--rm", "busybox", "true"), ("events", "--until", "0s")],
                         ids=lambda c: c[0])
def test_an_engine_that_dies_before_it_has_greeted_is_waited_for(busybox, command):
    os.kill(busybox.process.pid, signal.SIGSTOP)
    with busybox.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        harness.wait_for_connection(client)
        busybox.kill()
        busybox.start()
        told = client.communicate(timeout=60)
    assert client.returncode == 0, told


class Reader(threading.Thread):
    """Reads what a process writes, as it comes."""

    def __init__(self, process):
        super().__init__()
        self.process, self.data = process, bytearray()
        self.start()

    def run(self):
        while block := self.process.stdout.read1(1 << 20):
            self.data += block

    def finish(self):
        """All of it, once that has ended. How long it takes is the machine's affair, and an emulated one takes minutes;
        but it goes on."""
        while self.is_alive():
            so_far = len(self.data)
            self.join(60)
            assert not self.is_alive() or len(self.data) > so_far, f"nothing for a minute after {so_far} bytes"
        assert self.process.wait(60) == 0, self.process.stderr.read()
        self.process.stdout.close()
        return self.data


def check_lines(data, expected):
    if data == expected:
        return
    pairs = itertools.zip_longest(data.split(b"\n"), expected.split(b"\n"))
    raise AssertionError(next((number, *pair) for number, pair in enumerate(pairs, 1) if pair[0] != pair[1]))


@pytest.mark.timeout(1200)  # minutes in an emulated machine
def test_no_byte_of_100_mb_is_lost_or_doubled(busybox):
    """The engine is killed again and again while a container writes; `logs -f` goes through it."""
    dots, go = "." * 70, busybox.root / "go"
    os.mkfifo(go)
    busybox.out("run", "-d", "--name", "cw", "-v", f"{go}:/go", "--log-opt", "max-size=200m", "busybox", "sh", "-c",
                "read word < /go; awk 'BEGIN { for (i = 1; i <= %d; i++) print \"line \" i \" %s\" }'" % (LINES_100MB, dots))
    follower = Reader(busybox.popen("logs", "-f", "cw", stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    waiter = busybox.popen("wait", "cw", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for client in (follower.process, waiter):
        harness.wait_for_connection(client)
    go.write_text("go\n")
    for _ in range(4):
        time.sleep(random.uniform(0.1, 0.4))
        busybox.kill(signal.SIGKILL)
        time.sleep(random.uniform(0, 0.2))
        busybox.start()
    followed = follower.finish()
    assert waiter.wait(60) == 0, waiter.stderr.read()
    assert waiter.stdout.read().strip() == "0"
    waiter.stdout.close()
    expected = b"".join(b"line %d %s\n" % (number, dots.encode()) for number in range(1, LINES_100MB + 1))
    check_lines(followed, expected)
    check_lines(Reader(busybox.popen("logs", "cw", stdout=subprocess.PIPE, stderr=subprocess.PIPE)).finish(), expected)


@pytest.mark.layer_drivers
def test_exits_and_restarts_while_the_engine_is_away(busybox):
    shared = busybox.root / "shared"
    shared.mkdir()
    run = lambda name, script, *flags: busybox.out("run", "-d", "--name", name, "-v", f"{shared}:/shared", *flags,
                                                   "busybox", "sh", "-c", script)
    go = "while [ ! -e /shared/go ]; do sleep 0.05; done"
    run("ends", f"{go}; exit 42")
    run("gone", go, "--rm")
    run("loops", "echo again; echo again >> /shared/loops; exit 1", "--restart", "always")
    pids = [inspect(busybox, name)["State"]["Pid"] for name in ("ends", "gone")]
    busybox.kill(signal.SIGKILL)
    so_far = (shared / "loops").read_text().count("again") if (shared / "loops").exists() else 0
    (shared / "go").touch()
    harness.wait_until(lambda: (shared / "loops").exists()
                       and (shared / "loops").read_text().count("again") >= so_far + 2, what="two more starts")
    harness.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), what="both exits")
    busybox.start()
    assert busybox.out("wait", "ends") == "42"
    assert inspect(busybox, "ends")["State"]["ExitCode"] == 42
    assert inspect(busybox, "ends")["State"]["Status"] == "exited"
    loops = inspect(busybox, "loops")
    assert loops["RestartCount"] >= so_far + 1  # of so_far + 2 starts
    harness.wait_until(lambda: busybox.out("logs", "loops").split().count("again") >= so_far + 2, what="their output")
    harness.wait_until(lambda: "gone" not in busybox.out("ps", "-a", "--format", "{{.Names}}"), what="removal of gone")
    actions = busybox.out("events", "--since", "1h", "--until", str(int(time.time()) + 1), "-f", "container=ends",
                          "--format", "{{.Action}}").split()
    assert actions.count("die") == 1


HOLD_GRACE_S = 10  # that a new engine gives a client in the foreground to come back: engine/container/hold.h


def test_a_young_engine_removes_what_nobody_waits_for(busybox):
    script = "while [ ! -e /shared/$0 ]; do sleep 0.02; done; exit 3"
    shared = busybox.root / "shared"
    shared.mkdir()
    start = lambda *a, name, **kw: busybox.popen("run", "--rm", *a, "-v", f"{shared}:/shared", "--name", name, "busybox",
                                                 "sh", "-c", script, name, **kw)
    assert start("-d", name="alone", stdout=subprocess.DEVNULL).wait(60) == 0
    left, waits = start(name="left"), start(name="waits")
    harness.wait_until(lambda: len(busybox.out("ps", "-q").split()) == 3, what="three that run")
    left.kill()
    left.wait(60)
    held = busybox.state / "containers" / inspect(busybox, "left")["Id"] / "shim.pb"
    harness.wait_until(lambda: not held.stat().st_mode & stat.S_ISVTX, what="the engine sees who left")
    waits.send_signal(signal.SIGSTOP)
    busybox.kill(signal.SIGKILL)
    busybox.start()
    began = time.time()
    for name in ("alone", "left", "waits"):
        (shared / name).touch()
    events = busybox.popen("events", "--since", "1h", "-f", "event=destroy", "--format",
                           "{{.TimeNano}} {{.Actor.Attributes.name}}", stdout=subprocess.PIPE, text=True)
    gone = dict(reversed(events.stdout.readline().split()) for _ in range(2))
    assert set(gone) == {"alone", "left"}
    assert all(int(at) / 1e9 < began + HOLD_GRACE_S for at in gone.values())
    waits.send_signal(signal.SIGCONT)
    assert waits.wait(60) == 3
    assert events.stdout.readline().split()[1] == "waits"
    events.kill()
    events.communicate()


def test_stopped_when_its_shim_was_just_killed(busybox):
    """That the shim is gone is not that the container is."""
    for number in range(8):
        cid = busybox.out("run", "-d", "--name", "cs", "busybox", "sleep", "1000")
        os.kill(busybox.shims(cid)[0], signal.SIGKILL)
        if number % 2:
            busybox.out("stop", "-t", "0", "cs")
        else:
            busybox.out("rm", "-f", "cs")
        assert busybox.out("ps", "-q") == ""
        busybox.cleat("rm", "cs", check=False)
    busybox.expect_nothing_left()


@pytest.mark.layer_drivers
def test_a_killed_shim_is_replaced(busybox):
    busybox.out("run", "-d", "--name", "cs", "busybox", "sh", "-c",
                "i=0; while [ ! -e /stop ]; do i=$((i+1)); echo $i; sleep 0.01; done; exit 33")
    killed = []
    for _ in range(4):
        time.sleep(random.uniform(0, 0.3))
        killed.append(harness.wait_until(lambda: [p for p in busybox.shims() if p not in killed], what="a shim")[0])
        os.kill(killed[-1], signal.SIGKILL)
    assert busybox.out("exec", "cs", "touch", "/stop") == ""
    code = int(busybox.out("wait", "cs"))
    assert code in harness.codes_of_an_orphan(33)
    assert inspect(busybox, "cs")["State"]["ExitCode"] == code
    numbers = busybox.out("logs", "cs").split()
    assert numbers == [str(i) for i in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("driver", ["local", "json-file"])
def test_attached_output_survives_the_engine(busybox, driver):
    """Of a foreground run each line comes once, though the engine dies in the midst of it."""
    lines = 300_000
    client = busybox.popen("run", "--rm", "--log-driver", driver, "busybox", "sh", "-c",
                           "awk 'BEGIN { for (i = 1; i <= %d; i++) { print i; if (i %% 5000 == 0) "
                           "system(\"sleep 0.02\") } }'" % lines, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reader = Reader(client)
    harness.wait_for_connection(client)
    for _ in range(4):
        time.sleep(random.uniform(0.1, 0.3))
        busybox.kill(signal.SIGKILL)
        time.sleep(random.uniform(0, 0.2))
        busybox.start()
    assert reader.finish().split() == [b"%d" % i for i in range(1, lines + 1)]
    client.stderr.close()


class Interactive:
    """A command with its standard streams, on a terminal when it asks for one."""

    def __init__(self, engine, *command):
        self.tty = "-t" in command
        ours, theirs = os.openpty() if self.tty else os.pipe()[::-1]
        self.input = ours
        self.process = engine.popen(*command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(theirs)

    def read_until(self, accepts):
        """Reads on until accepts(all of it)."""
        out = b""
        while not accepts(out):
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, (out, self.process.stderr.read())
            out += data

    def end(self):
        """Ends the input; the exit code."""
        if self.tty:
            os.write(self.input, b"\x04")
        else:
            os.close(self.input)
        while os.read(self.process.stdout.fileno(), 65536):
            pass
        code = self.process.wait(60)
        if self.tty:
            os.close(self.input)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def ticks(out):
    return [float(word.split()[1]) for word in out.split(b"\n")[:-1] if word.startswith(b"tick ")]


TICKS_AND_ECHO = """(while :; do read up rest </proc/uptime; echo tick $up; sleep 0.2; done) &
while read line; do echo got $line; done; exit 6"""


@pytest.mark.parametrize("command", [["run", "-i", "busybox"], ["run", "-i", "-t", "busybox"], ["exec", "-i", "cx"],
                                     ["exec", "-i", "-t", "cx"]], ids=" ".join)
def test_streams_outlive_a_killed_shim(busybox, command):
    """Of a container and of an exec, with a terminal and without: the process goes on, what it writes is read, its
    exit code is told."""
    if command[0] == "exec":
        busybox.out("run", "-d", "--name", "cx", "busybox", "sleep", "1000")
    client = Interactive(busybox, *command, "sh", "-c", TICKS_AND_ECHO)
    client.read_until(ticks)
    for number in range(2):
        killed = harness.kill_shim(busybox)
        harness.wait_until(lambda: [p for p in harness.processes_below(str(busybox.root))
                                    if p != killed and harness.exe(p) == "cleat-shim"], what="a successor")
        # A line of after that shows that the client has come back.
        with open("/proc/uptime", encoding="utf-8") as uptime:
            succeeded = float(uptime.read().split()[0])
        client.read_until(lambda out: any(t > succeeded for t in ticks(out)))
        os.write(client.input, b"line%d\n" % number)
        client.read_until(lambda out: b"got line%d" % number in out)
    assert client.end() in harness.codes_of_an_orphan(6)


@pytest.mark.layer_drivers
def test_engine_killed_at_random_moments_of_the_life_cycle(busybox):
    """Whatever was half-done is rolled forward or back; nothing is left over."""
    rng = random.Random(7)
    for round_ in range(12):
        commands = [busybox.popen("run", "--rm", "busybox", "sh", "-c", "sleep 0.05; exit 3", stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True) for _ in range(4)]
        time.sleep(rng.uniform(0, 0.08))
        busybox.kill(signal.SIGKILL)
        busybox.start()
        for command in commands:
            _, told = command.communicate(timeout=60)
            # only who finds no engine at all is refused
            assert command.returncode == 3 or (command.returncode == 125 and "cannot connect to the engine" in told), \
                (round_, command.returncode, told)
    ids = busybox.out("ps", "-aq").split()
    if ids:
        busybox.out("rm", "-f", *ids)
    busybox.expect_nothing_left()


def test_a_directory_without_a_row_goes(busybox):
    """However short before the engine's start it was made."""
    kept = busybox.out("create", "busybox")
    busybox.kill()
    for number in range(3):
        folder = busybox.state / "containers" / (f"{number:x}" * 64)
        (folder / "upper").mkdir(parents=True)
        (folder / "lock").touch()
    folder = busybox.state / "containers" / ("a" * 64)
    folder.mkdir()
    busybox.start()
    harness.wait_until(lambda: os.listdir(busybox.state / "containers") == [kept], what="only the container's directory")


def test_a_killed_shim_that_ends_slowly_is_replaced(busybox):
    """Its sockets are closed, its lock is still held: the engine looks again."""
    cid = busybox.out("run", "-d", "busybox", "sleep", "1000")
    with harness.slow_end(busybox, cid) as killed:
        busybox.out("ps")
    harness.wait_until(lambda: set(busybox.shims()) - {killed}, what="a successor")


def test_an_engine_begins_while_the_last_one_ends(busybox):
    """Killed or told to end, it holds the state for a moment more; only one that serves keeps others out."""
    busybox.out("run", "-d", "busybox", "sleep", "1000")
    for number in [signal.SIGKILL] * 15 + [signal.SIGTERM] * 3:
        old = busybox.process
        old.send_signal(number)
        if number == signal.SIGTERM:  # until it has heard it
            harness.wait_until(lambda: not (busybox.run / "cleat.sock").is_symlink(), what="the end of service")
        busybox.start()
        old.wait(60)
        assert len(busybox.out("ps", "-q").split()) == 1
    second = subprocess.run([harness.BIN / "cleatd", "--state", busybox.state, "--run", busybox.root / "other"],
                            capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1 and f"another engine is using {busybox.state}" in second.stderr


@pytest.fixture
def small_disk(tmp_path):
    """An engine whose state is on a file system that can be filled, with bytes and with inodes."""
    engine = harness.Engine(root=tmp_path / "engine")
    engine.state.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,nr_inodes=2000,mode=711", "cleat-small", engine.state],
                   check=True)
    try:
        with engine:
            engine.load_busybox()
            yield engine
    finally:
        disks.unmount(engine.state)


def fill(engine):
    filler = engine.state / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return filler


def test_an_engine_of_another_state_does_not_take_the_name(busybox):
    """Whoever talks to the first one would be talking to another, and then to nobody."""
    other = subprocess.run([harness.BIN / "cleatd", "--state", busybox.root / "other", "--run", busybox.run],
                           capture_output=True, text=True, timeout=60, check=False)
    assert other.returncode == 1 and f"another engine, of another state directory, serves at {busybox.run}" in other.stderr
    assert busybox.out("images", "-q")
    busybox.kill()
    busybox.start()
    assert busybox.out("images", "-q")



def test_ends_on_a_full_disk(small_disk):
    """How a container ended is known though nothing could be written but what was set aside for it."""
    engine = small_disk
    waits = ("busybox", "sh", "-c", "trap 'exit 7' TERM; echo set; while :; do sleep 0.02; done")
    engine.out("run", "-d", "--name", "ends", *waits)
    engine.out("run", "-d", "--name", "again", "--restart", "on-failure:1", *waits)
    engine.out("run", "-d", "--name", "stopped", "busybox", "sleep", "1000")
    engine.out("create", "--name", "rest", "busybox")
    for name in ("ends", "again"):
        engine.wait_for_log(name, "set")
    pid = lambda name: int(engine.out("inspect", "-f", "{{.State.Pid}}", name))
    filler = fill(engine)
    os.kill(pid("ends"), signal.SIGTERM)
    assert engine.out("wait", "ends") == "7"
    os.kill(pid("again"), signal.SIGTERM)
    harness.wait_until(lambda: engine.out("inspect", "-f", "{{.RestartCount}}", "again") == "1" and pid("again"),
                       what="the restart")
    os.kill(pid("again"), signal.SIGKILL)
    assert engine.out("wait", "again") == "137"
    engine.out("stop", "-t", "0", "stopped")
    show = lambda: engine.out("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "ends", "again", "stopped").splitlines()
    assert show() == ["exited 7", "exited 137", "exited 137"]
    engine.out("rm", "rest")  # which is how room is made
    engine.kill()
    filler.unlink()
    engine.start()
    assert show() == ["exited 7", "exited 137", "exited 137"]
    engine.out("start", "stopped")
    fill(engine)
    engine.cleat("rm", "-f", "stopped", check=False)
    (engine.state / "filler").unlink()
    engine.cleat("rm", "-f", "ends", "again", "stopped")
    harness.wait_until(lambda: not engine.out("ps", "-aq"), what="nothing left")


def test_a_json_log_goes_on_when_its_file_can_be_made(small_disk):
    """A rotation met a file system without a free inode."""
    engine = small_disk
    engine.out("run", "-d", "--name", "writes", "--log-driver", "json-file", "--log-opt", "max-size=5k", "--log-opt",
               "max-file=1000", "busybox", "sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.001; done")
    engine.wait_for_log("writes", "line 10")
    folder = engine.state / "fill"
    folder.mkdir()
    with pytest.raises(OSError):
        for number in range(3000):
            (folder / str(number)).touch()
    log = engine.state / "containers" / engine.out("inspect", "-f", "{{.Id}}", "writes") / "log"
    newest = log / f"{log.parent.name}-json.log"
    harness.wait_until(lambda: not newest.exists(), what="a rotation that fails")
    shutil.rmtree(folder)
    harness.wait_until(newest.exists, what="a new file")
    last = lambda: int(engine.out("logs", "--tail", "1", "writes").split()[1])
    seen = last()
    harness.wait_until(lambda: last() > seen, what="further lines")
    engine.out("rm", "-f", "writes")
