# SPDX-License-Identifier: Apache-2.0
"""The shim alone, with the real runtime and no engine: this test is its engine."""
import json
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import harness
import image
import pytest

BIN = harness.BIN
PATIENCE_S = 100  # 50 MB of a log take their time with sanitizers on a busy machine


def varint(n):
    out = b""
    n &= (1 << 64) - 1
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(**fields):
    """field numbers as f1=…, f2=…"""
    return b"".join(field(int(k[1:]), v) for k, v in fields.items() if v is not None)


def fnv1a(data):
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 & (1 << 64) - 1
    return value


def decode(data):
    out, at = {}, 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = take()
        if key & 7 == 0:
            value = take()
            if value >= 1 << 63:
                value -= 1 << 64
        else:
            assert key & 7 == 2
            size = take()
            value, at = data[at:at + size], at + size
        out[key >> 3] = value
    return out


STATE, SUBSCRIBE, START, STOP, KILL, PAUSE, RESUME, ATTACH, EXEC, RESIZE = 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
RELEASE = 15
STARTED, EXITED, EXEC_EXITED = 1, 2, 6


class Shim:
    """A container directory, its shim, and one connection."""

    def __init__(self, arguments, tty=False, restart=None, logging=None, stdin=False, inherit=None, **spec):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="cleat-test-"))
        self.id = os.urandom(32).hex()
        self.state, self.run, self.oci = self.root / "state", self.root / "run", self.root / "oci"
        for folder in (self.state, self.run, self.oci):
            folder.mkdir()
        self.cgroup = f"cleat-test-{self.id}"
        self.make_bundle(arguments, tty)
        (self.state / "shim.pb").write_bytes(message(
            f1=self.id, f2=restart, f3=logging, f4=signal.SIGTERM, f5=tty, f6=stdin, f7=stdin, **spec))
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.run / "sock"))
        self.listener.listen(16)
        self.events, self.replies, self.next_id, self.process = [], {}, 0, None
        self.rotations = 0  # told
        self.kept = {}  # exec id: the message and its descriptors
        stray = os.open(inherit, os.O_RDONLY) if inherit else -1
        if inherit:
            os.set_inheritable(stray, True)
        self.spawn()
        if inherit:
            os.close(stray)
        self.connect()

    def make_bundle(self, arguments, tty):
        rootfs = self.state / "rootfs"
        for folder in ("bin", "proc", "sys", "dev", "tmp", "etc"):
            (rootfs / folder).mkdir(parents=True)
        shutil.copy(image.BUSYBOX, rootfs / "bin" / "busybox")
        for applet in image.APPLETS:
            (rootfs / "bin" / applet).symlink_to("busybox")
        (self.state / "config.json").write_text(json.dumps({
            "ociVersion": "1.1.0", "root": {"path": "rootfs"}, "hostname": "test",
            "process": {"args": arguments, "cwd": "/", "terminal": tty, "user": {"uid": 0, "gid": 0},
                        "env": ["PATH=/bin", "TERM=xterm"]},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
                       {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                        "options": ["newinstance", "ptmxmode=0666", "mode=0620"]}],
            "linux": {"cgroupsPath": "/" + self.cgroup,
                      "namespaces": [{"type": t} for t in ("pid", "mount", "network", "ipc", "uts")]}}))

    def spawn(self, kept=-1):
        fd = self.listener.fileno()

        def place():
            os.dup2(fd, 3, inheritable=True)
            if kept >= 0:
                os.dup2(kept, 4, inheritable=True)
        with open(self.root / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [BIN / "cleat-shim", "--id", self.id, "--state", self.state, "--run", self.run, "--oci-root", self.oci,
                 "--cgroup", self.cgroup, *(["--kept", "4"] if kept >= 0 else [])],
                preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)

    def kill(self):
        """kill -9 of the shim; the connection is read to its end, as an engine does."""
        self.process.kill()
        self.process.wait()
        while True:
            try:
                if not self.take():
                    break
            except ConnectionResetError:
                break
        self.sock.close()

    def succeed(self, connect=True):
        """A successor gets what was kept."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for data, fds in self.kept.values():
            socket.send_fds(ours, [data], fds)
        ours.close()
        with theirs:
            high = os.dup2(theirs.fileno(), 200)
            self.spawn(kept=high)
            os.close(high)
        if connect:
            self.connect()

    def keep(self, data, fds):
        kept = decode(data)
        for name in list(self.kept) if kept.get(6) else [kept.get(1, b"")]:
            for fd in self.kept.pop(name, (b"", ()))[1]:
                os.close(fd)
        if fds:
            self.kept[kept.get(1, b"")] = (data, fds)

    def connect(self, from_seq=1):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.connect(str(self.run / "sock"))
        self.sock.settimeout(PATIENCE_S)
        self.call(SUBSCRIBE, message(f1=from_seq))

    def receive(self):
        assert self.take(), "the shim hung up: " + (self.root / "log").read_text()

    def take(self):
        data, fds, _, _ = socket.recv_fds(self.sock, 65536, 8)
        outer = decode(data)
        if not data:
            return False
        if 3 in outer:
            self.keep(outer[3], fds)
        elif 1 in outer:
            reply = decode(outer[1])
            self.replies[reply.get(1, 0)] = reply
        elif 4 in outer:
            self.rotations += 1
        else:
            self.events.append(decode(outer[2]))
        return True

    def call(self, kind, body=b"", fds=(), key=""):
        self.next_id += 1
        data = message(f1=self.next_id, f16=key) + field(kind, body)
        socket.send_fds(self.sock, [data], list(fds))
        while self.next_id not in self.replies:
            self.receive()
        return self.replies[self.next_id]

    def ask(self, kind, body=b""):
        """Without waiting for the reply; its id."""
        self.next_id += 1
        self.sock.send(message(f1=self.next_id) + field(kind, body))
        return self.next_id

    def event(self, kind, nth=1):
        while True:
            found = [e for e in self.events if e.get(3) == kind]
            if len(found) >= nth:
                return found[nth - 1]
            self.receive()

    def attach(self, stdin=False, lossless=True, **more):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reply = self.call(ATTACH, message(f1=stdin, f2=True, f3=True, f4=lossless, **more), [theirs.fileno()])
        theirs.close()
        assert not reply.get(2), reply
        ours.settimeout(PATIENCE_S)
        return ours

    def status(self):
        """The newer slot of the file that is whole: one may just be written (api/base/slotfile.c)."""
        data, newest, record = (self.state / "status").read_bytes(), 0, b""
        for at in (0, 4096):
            number, told, size = struct.unpack_from("<QQI", data, at)
            found = data[at + 24:at + 24 + size]
            if number > newest and told == fnv1a(data[at:at + 8] + data[at + 16:at + 20] + found):
                newest, record = number, found
        return decode(record)

    def log_bytes(self):
        """All output in the log, checked record by record."""
        out, position = [], None
        for path in sorted((self.state / "log").iterdir()):
            data, at = path.read_bytes(), 0
            while at < len(data):
                size = int.from_bytes(data[at:at + 4], "little")
                start = int.from_bytes(data[at + 16:at + 24], "little")
                assert position is None or start == position
                position = start + size
                out.append(data[at + 24:at + 24 + size])
                assert int.from_bytes(data[at + 24 + size:at + 28 + size], "little") == size
                at += 28 + size
        return b"".join(out)

    def json_lines(self):
        """What the json-file log has of each stream, oldest file first, and how many files there are."""
        log = self.state / "log"
        files = sorted(log.glob("*-json.log*"), key=lambda p: int(p.suffix[1:]) if p.suffix != ".log" else 0)
        assert [p.name for p in files] == [f"{self.id}-json.log" + (f".{i}" if i else "") for i in range(len(files))]
        out = {"stdout": [], "stderr": []}
        for path in reversed(files):
            for line in path.read_bytes().splitlines():
                entry = json.loads(line)
                out[entry["stream"]].append(entry["log"])
        return out["stdout"], out["stderr"], len(files)

    def close(self):
        self.process.kill()  # first, as it may restart the container
        self.process.wait()
        self.sock.close()
        for _, fds in self.kept.values():
            for fd in fds:
                os.close(fd)
        self.listener.close()
        harness.kill_below(self.root)  # a runtime at work
        for base, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
            if self.id in base:
                harness.Engine.remove_group(pathlib.Path(base))
        shutil.rmtree(self.root)


@pytest.fixture
def shim():
    made = []

    def make(*arguments, **kw):
        made.append(Shim(list(arguments), **kw))
        return made[-1]
    yield make
    for each in made:
        each.close()


def frames(sock, s=None):
    """(stdout, stderr, exit code) of a stream until its end. The end of stdin needs the engine's part: with the
    shim given its messages are taken meanwhile."""
    out = {1: b"", 2: b""}
    while True:
        ready = select.select([sock] + ([s.sock] if s else []), [], [], PATIENCE_S)[0]
        assert ready, out
        if sock not in ready:
            s.take()
            continue
        data = sock.recv(65536)
        if not data:
            return out[1], out[2], None
        frame = decode(data)
        if frame.get(6):
            return out[1], out[2], frame.get(7, 0)
        out[frame[1]] += frame.get(3, b"")


@pytest.mark.parametrize("kind, body", [(STOP, {"f1": signal.SIGTERM, "f2": 5000}), (KILL, {"f1": signal.SIGKILL})])
def test_ended_while_it_starts(shim, kind, body):
    """Who ends a container whose runtime is still at work ends it as soon as it runs, for good."""
    s = shim("sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.02; done", restart=message(f1=1, f3=1))
    os.mkfifo(s.root / "gate")
    config = json.loads((s.state / "config.json").read_text())
    config["hooks"] = {"createRuntime": [{"path": "/bin/cat", "args": ["cat", str(s.root / "gate")]}]}
    (s.state / "config.json").write_text(json.dumps(config))
    start = s.ask(START)
    with open(s.root / "gate", "w", encoding="utf-8"):  # the hook is there
        assert not s.call(kind, message(**body)).get(2)
    exited = s.event(EXITED)
    assert exited.get(7, 0) == 0 and s.replies[start].get(8, 0) > 0
    assert s.event(9)[10] == body["f1"]
    assert s.call(STATE)[6] and decode(s.replies[s.next_id][6]).get(11) == 1


def test_a_container_that_says_nothing_has_no_file_of_a_log(shim):
    s = shim("sh", "-c", "read word; echo $word", stdin=True)
    stream = s.attach(stdin=True)
    s.call(START)
    s.event(STARTED)
    assert not list((s.state / "log").iterdir())
    stream.send(field(3, b"word\n"))
    assert s.event(EXITED).get(5, 0) == 0
    assert s.log_bytes() == b"word\n"


def test_output_exit_code_and_log(shim):
    s = shim("sh", "-c", "echo out; echo err >&2; exit 7")
    stream = s.attach()
    reply = s.call(START)
    assert not reply.get(2), reply
    assert frames(stream) == (b"out\n", b"err\n", 7)
    assert s.event(EXITED)[5] == 7
    assert sorted(s.log_bytes().split()) == [b"err", b"out"]
    assert s.status()[3] == 4 and s.status()[8] == 7


def test_program_that_is_not_there(shim):
    s = shim("no-such-program")
    reply = s.call(START)
    assert reply[4] == b"EXEC_NOT_FOUND", reply
    assert b"no-such-program" in reply[3]


def test_stdin_and_its_end(shim):
    s = shim("cat", stdin=True)
    stream = s.attach(stdin=True)
    s.call(START)
    data = os.urandom(300_000)
    for at in range(0, len(data), 30000):
        stream.send(field(3, data[at:at + 30000]))
    stream.shutdown(socket.SHUT_WR)
    assert frames(stream, s)[::2] == (data, 0)


@pytest.mark.unsanitized(reason="measures memory, of which sanitizers take much")
def test_input_of_clients_that_are_gone_does_not_pile_up(shim):
    """What they had sent to a process that does not read waits, up to a bound."""
    def memory():
        return int((pathlib.Path("/proc") / str(s.process.pid) / "statm").read_text(encoding="ascii").split()[1]) * 4096

    def descriptors():
        return len(os.listdir(f"/proc/{s.process.pid}/fd"))

    s = shim("sleep", "1000", stdin=True)
    s.call(START)
    s.call(STATE)  # it has closed by now what the start had open
    before, idle = memory(), descriptors()
    for _ in range(30):
        with s.attach(stdin=True) as stream:
            stream.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    stream.send(field(3, bytes(30000)))
        harness.wait_until(lambda: descriptors() == idle, what="the session's end")
    assert memory() - before < 2 << 20


def test_stop_kill_pause(shim):
    s = shim("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.02; done")
    stream = s.attach()
    s.call(START)
    assert decode(stream.recv(65536))[3] == b"ready\n"
    assert not s.call(PAUSE).get(2)
    assert s.call(PAUSE)[4] == b"PAUSED"
    assert s.status()[3] == 2
    assert not s.call(RESUME).get(2)
    s.call(STOP, message(f2=200))
    assert s.event(EXITED)[5] == 137
    assert s.call(KILL, message(f1=9))[4] == b"NOT_RUNNING"


def test_restart_policy(shim):
    s = shim("sh", "-c", "echo again; exit 3", restart=message(f1=3, f2=2, f3=10))
    s.call(START)
    assert s.event(EXITED, 3).get(7, 0) == 0
    assert s.log_bytes() == b"again\n" * 3
    assert s.status()[10] == 2 and s.status()[3] == 4


def test_exec(shim):
    s = shim("sleep", "1000")
    s.call(START)

    def run(*arguments, stdin=b"", tty=False):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE_S)
        process = json.dumps({"args": list(arguments), "cwd": "/", "env": ["PATH=/bin"], "terminal": tty,
                              "user": {"uid": 0, "gid": 0}})
        reply = s.call(EXEC, message(f1=os.urandom(32).hex(), f2=process, f3=tty, f4=True), [theirs.fileno()])
        theirs.close()
        if reply.get(2):
            return reply
        if stdin:
            ours.send(field(3, stdin))
        if not tty:
            ours.shutdown(socket.SHUT_WR)
        return frames(ours, s)
    assert run("sh", "-c", "echo o; echo e >&2; exit 4") == (b"o\n", b"e\n", 4)
    assert run("cat", stdin=b"through") == (b"through", b"", 0)
    assert run("sh", "-c", "tty; exit 2", tty=True)[::2] == (b"/dev/pts/0\r\n", 2)
    assert run("nothing-here")[4] == b"EXEC_NOT_FOUND"
    assert s.event(EXEC_EXITED, 3)


def test_terminal(shim):
    s = shim("sh", "-c", "read line; stty size; echo got $line", tty=True, f9=24, f10=80)
    stream = s.attach(stdin=True)
    s.call(START)
    stream.send(field(3, b"hello\n"))
    out, _, code = frames(stream)
    assert b"24 80" in out and b"got hello" in out and code == 0


# A container that ended while no engine was connected needs no shim: its successor would be gone before this test's
# connection. So these stay until they may go.
HELD = "read line < /go"


def hold(s):
    os.mkfifo(s.state / "rootfs/go")


def let_go(s):
    (s.state / "rootfs/go").write_text("\n", encoding="ascii")


def test_killed_shim_is_succeeded_without_loss(shim):
    count = 3000
    s = shim("sh", "-c", f"i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo line $i; done; {HELD}; exit 33")
    hold(s)
    s.call(START)
    for _ in range(5):
        time.sleep(0.05)
        s.process.kill()
        s.process.wait()
        s.sock.close()
        s.spawn()
        s.connect()
    let_go(s)
    exits = s.event(EXITED)
    assert exits[5] == 33
    assert s.log_bytes() == b"".join(b"line %d\n" % i for i in range(1, count + 1))


JSON_FILE = 1


@pytest.mark.parametrize("driver", [0, JSON_FILE], ids=["local", "json-file"])
@pytest.mark.parametrize("size,files", [(1 << 30, 2), (1 << 20, 1000)], ids=["one file", "rotated"])
def test_shim_killed_within_50_mb(shim, driver, size, files):
    """Each line is in the log once, whatever the shim was doing when it was killed; so is the unfinished line of
    stderr that waits all the time."""
    count = 600_000
    s = shim("sh", "-c", "printf 'half ' >&2; awk 'BEGIN { for (i = 1; i <= %d; i++) print \"line \" i \" %s\" }'; "
             "echo whole >&2; %s" % (count, "." * 70, HELD), logging=message(f1=driver, f2=size, f3=files))
    hold(s)
    s.call(START)
    rng = random.Random(size + driver)
    for _ in range(12):
        time.sleep(rng.uniform(0.01, 0.06))
        s.process.kill()
        s.process.wait()
        s.sock.close()
        s.spawn()
        s.connect()
    let_go(s)
    assert s.event(EXITED).get(5, 0) == 0
    expected = ["line %d %s\n" % (i, "." * 70) for i in range(1, count + 1)]
    if driver == JSON_FILE:
        out, err, n_files = s.json_lines()
        assert err == ["half whole\n"]
        assert (n_files > 10) == (files > 10)
    else:
        out = s.log_bytes().decode().replace("half ", "").replace("whole\n", "").splitlines(keepends=True)
    wrong = [(i, a, b) for i, (a, b) in enumerate(zip(out, expected)) if a != b]
    assert not wrong[:3] and len(out) == count


def test_json_rotation_that_was_cut_short_goes_on(shim):
    """A shim killed between two renames of a rotation leaves a gap; no older file is dropped for it."""
    s = shim("sh", "-c", "seq 60000; read line; seq 60001 120000; exit 3", stdin=True,
             logging=message(f1=JSON_FILE, f2=1 << 20, f3=50))
    s.call(START)
    log = s.state / "log"
    half = sum(len(f"{i}\n") for i in range(1, 60001))
    harness.wait_until(lambda: decode(s.call(STATE)[6]).get(13) == half, what="the first half")
    s.kill()
    newest = len(list(log.glob("*-json.log.*")))
    assert newest >= 3
    for number in range(newest, 0, -1):
        (log / f"{s.id}-json.log.{number}").rename(log / f"{s.id}-json.log.{number + 1}")
    s.succeed()
    stream = s.attach(stdin=True, lossless=False)
    stream.send(field(3, b"go\n"))
    assert s.event(EXITED)[5] == 3
    assert s.json_lines()[0] == [f"{i}\n" for i in range(1, 120001)]


@pytest.mark.parametrize("mark", [None, b"x" * 200], ids=["mark", "damaged mark"])
def test_json_file_that_is_missing_is_made_with_its_position(shim, mark):
    """Killed between two files: readers tell places by what the new one says of itself."""
    s = shim("sh", "-c", "seq 100; read line; echo more", stdin=True, logging=message(f1=JSON_FILE, f2=1 << 20, f3=5))
    s.call(START)
    harness.wait_until(lambda: decode(s.call(STATE)[6]).get(13) == 292, what="the first lines")
    s.kill()
    log = s.state / "log"
    newest = log / f"{s.id}-json.log"
    if mark is not None:
        (log / "json.mark").write_bytes(mark)
    newest.rename(log / f"{s.id}-json.log.1")
    s.succeed()
    assert newest.exists() and not (log / "json.new").exists()
    if mark is None:
        told = int.from_bytes(os.getxattr(newest, "user.cleat.position"), "little")
        assert told + newest.stat().st_size == (log / f"{s.id}-json.log.1").stat().st_size
    s.attach(stdin=True, lossless=False).send(field(3, b"go\n"))
    s.event(EXITED)
    assert "".join(s.json_lines()[0]).endswith("more\n")


def test_json_file_that_cannot_be_renamed_goes_on(shim):
    """What stands in the way of a rotation costs no line."""
    s = shim("sh", "-c", "read line; seq 3000", stdin=True, logging=message(f1=JSON_FILE, f2=10_000, f3=2))
    s.call(START)
    (s.state / "log" / f"{s.id}-json.log.1" / "full").mkdir(parents=True)
    stream = s.attach(stdin=True, lossless=False)
    stream.send(field(3, b"go\n"))
    s.event(EXITED)
    lines = (s.state / "log" / f"{s.id}-json.log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["log"] for line in lines] == [f"{i}\n" for i in range(1, 3001)]


def until(sock, text):
    """Output of a stream up to `text`."""
    out = b""
    while text not in out:
        data = sock.recv(65536)
        assert data, out
        out += decode(data).get(3, b"")
    return out


def test_terminal_outlives_its_shim(shim):
    s = shim("sh", "-c", "echo ready; while read line; do echo got $line; done; exit 9", tty=True, stdin=True)
    stream = s.attach(stdin=True)
    s.call(START)
    until(stream, b"ready")
    s.event(STARTED)
    for number in range(3):
        s.kill()
        s.succeed()
        stream = s.attach(stdin=True)
        stream.send(field(3, b"line%d\n" % number))
        until(stream, b"got line%d" % number)
    stream.send(field(3, b"\x04"))
    assert frames(stream)[2] == 9
    assert s.event(EXITED)[5] == 9
    assert not s.kept


def test_stdin_stays_open_while_a_shim_is_replaced(shim):
    s = shim("sh", "-c", "cat; exit 5", stdin=True)
    stream = s.attach(stdin=True)
    s.call(START)
    stream.send(field(3, b"before\n"))
    until(stream, b"before")
    s.kill()
    s.succeed()
    stream = s.attach(stdin=True)
    stream.send(field(3, b"after\n"))
    until(stream, b"after")
    stream.shutdown(socket.SHUT_WR)
    assert frames(stream, s)[2] == 5


def test_end_between_two_shims_is_known(shim):
    s = shim("sh", "-c", "read line; echo last words; exit 44", stdin=True)
    s.call(START)
    s.event(STARTED)
    s.kill()
    _, fds = s.kept[b""]
    os.write(fds[-1], b"go\n")
    poll = select.poll()
    poll.register(fds[0], select.POLLIN)
    assert poll.poll(PATIENCE_S * 1000)
    s.succeed(connect=False)  # it may be over before a connection
    harness.wait_until(lambda: s.status().get(3) == 4, what="the end of the container")
    assert s.status()[8] == 44
    assert s.log_bytes() == b"last words\n"


def start_exec(s, script, tty=False):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = json.dumps({"args": ["sh", "-c", script], "cwd": "/", "env": ["PATH=/bin"], "terminal": tty,
                          "user": {"uid": 0, "gid": 0}})
    reply = s.call(EXEC, message(f1="e1", f2=process, f3=tty, f4=True), [theirs.fileno()])
    assert not reply.get(2), reply
    theirs.close()
    ours.settimeout(PATIENCE_S)
    return ours


@pytest.mark.parametrize("tty", [False, True])
def test_exec_outlives_its_shim(shim, tty):
    s = shim("sleep", "1000")
    s.call(START)
    stream = start_exec(s, "echo ready; while read line; do echo got $line; done; exit 6", tty)
    had = len(until(stream, b"ready\r\n" if tty else b"ready\n"))
    for number in range(3):
        s.kill()
        s.succeed()
        stream = s.attach(stdin=True, f5="e1", f6=had)
        stream.send(field(3, b"line%d\n" % number))
        out, end = b"", b"got line%d" % number + (b"\r\n" if tty else b"\n")
        while not out.endswith(end):
            frame = decode(stream.recv(65536))
            assert frame.get(2, 0) == had
            had += len(frame[3])
            out += frame[3]
    if tty:
        stream.send(field(3, b"\x04"))
    else:
        stream.shutdown(socket.SHUT_WR)
    assert frames(stream, s)[2] == 6
    assert s.event(EXEC_EXITED)[5] == 6
    while b"e1" in s.kept:
        s.receive()


def test_exec_that_ends_between_two_shims(shim):
    s = shim("sleep", "1000")
    s.call(START)
    stream = start_exec(s, "read line; echo last words; exit 7")
    s.kill()
    assert stream.recv(65536) == b""
    _, fds = s.kept[b"e1"]
    os.write(fds[-1], b"go\n")
    poll = select.poll()
    poll.register(fds[0], select.POLLIN)
    assert poll.poll(PATIENCE_S * 1000)
    s.succeed()
    assert s.event(EXEC_EXITED)[5] == 7
    assert frames(s.attach(f5="e1", f6=0)) == (b"last words\n", b"", 7)


def test_stalled_lossy_reader_is_dropped(shim):
    s = shim("sh", "-c", "seq 200000; echo end")
    s.attach(lossless=False)
    s.call(START)
    assert s.event(EXITED).get(5, 0) == 0
    assert s.log_bytes().endswith(b"200000\nend\n")


def test_lossless_reader_gets_all(shim):
    s = shim("seq", "200000")
    stream = s.attach()
    s.call(START)
    time.sleep(0.3)
    out, _, code = frames(stream)
    assert out == b"".join(b"%d\n" % i for i in range(1, 200001)) and code == 0


def test_rotation(shim):
    s = shim("seq", "300000", logging=message(f2=256 * 1024, f3=3))
    s.call(START)
    s.event(EXITED)
    files = sorted(p.name for p in (s.state / "log").iterdir())
    assert len(files) == 3 and files[0] != "000001.log"
    lines = s.log_bytes().decode().splitlines()
    assert lines == [str(i) for i in range(300001 - len(lines), 300001)]  # whole from the first
    assert s.rotations > 3


@pytest.mark.parametrize("size", [1, 4000, 10_000, 33_333])
def test_a_segment_ends_with_a_line(shim, size):
    s = shim("sh", "-c", "i=0; while [ $i -lt 40 ]; do i=$((i+1)); seq 1000; done", logging=message(f2=size, f3=1000))
    s.call(START)
    s.event(EXITED)
    assert s.log_bytes().decode().split() == [str(i) for i in range(1, 1001)] * 40
    files = sorted((s.state / "log").iterdir())
    assert len(files) > 1
    for path in files:
        assert not path.stat().st_size or path.read_bytes()[-5:-4] == b"\n"


def echo_lines(shim, logging):
    """A container that writes each line it reads, of which the test knows when it is in the log."""
    s = shim("sh", "-c", "while read line; do echo $line; done", stdin=True, logging=logging)
    s.call(START)
    return s, s.attach(stdin=True)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_positions_go_on_behind_an_empty_segment(shim, packed):
    """A shim killed right behind a rotation has no record in its last segment, and in the one before only while
    that is not compressed."""
    s, stream = echo_lines(shim, message(f2=1, f3=100))
    for number in range(1, 6):
        stream.send(field(3, b"line%d\n" % number))
        until(stream, b"line%d\n" % number)
        harness.wait_until(lambda n=number: (s.state / "log" / f"{n + 1:06}.log").exists(), what="a new segment")
        s.call(STATE)  # behind the rotation
        s.kill()
        if packed:
            (s.state / "log" / f"{number:06}.log").rename(s.state / "log" / f"{number:06}.packed")
        s.succeed()
        assert decode(s.call(STATE)[6])[13] == 6 * number
        stream = s.attach(stdin=True)
    for path in (s.state / "log").glob("*.packed"):
        path.rename(path.with_suffix(".log"))
    assert s.log_bytes() == b"".join(b"line%d\n" % n for n in range(1, 6))


def test_a_rotation_cut_off_leaves_no_old_segment(shim):
    """Killed between a new segment and the removal of the oldest."""
    s, stream = echo_lines(shim, message(f2=1, f3=3))
    for number in range(1, 6):
        stream.send(field(3, b"line%d\n" % number))
        until(stream, b"line%d\n" % number)
    s.call(STATE)
    s.kill()
    names = lambda: sorted(p.name for p in (s.state / "log").iterdir())
    assert names() == ["000004.log", "000005.log", "000006.log"]
    (s.state / "log" / "000007.log").touch()
    s.succeed()
    assert names() == ["000005.log", "000006.log", "000007.log"]
    assert decode(s.call(STATE)[6])[13] == 30


def test_one_json_file_is_enough(shim):
    """Records are kept in two segments however few files the user wants: the end of the first is not lost when the
    shim is killed before its lines are written."""
    s, stream = echo_lines(shim, message(f1=JSON_FILE, f2=1 << 20, f3=1))
    mark = (s.state / "log" / "json.mark").read_bytes() if (s.state / "log" / "json.mark").exists() else None
    stream.send(field(3, b"one\n"))
    until(stream, b"one\n")
    s.call(STATE)
    s.kill()
    log = s.state / "log" / f"{s.id}-json.log"
    log.write_bytes(b"")  # killed before
    if mark is not None:
        (s.state / "log" / "json.mark").write_bytes(mark)
    (s.state / "log" / "000002.log").touch()
    s.succeed()
    assert s.json_lines()[0] == ["one\n"]


def test_a_signal_to_one_that_waits_for_its_restart_is_done_once(shim):
    """The answer of a shim was lost with it: its successor knows the key, in every state."""
    s = shim("false", restart=message(f1=2, f3=600_000, f4=600_000))
    s.call(START)
    s.event(EXITED)
    harness.wait_until(lambda: s.status().get(3) == 3, what="waiting for the restart")
    first = s.call(STOP, key="once")
    assert not first.get(2)
    s.kill()
    s.succeed()
    assert b"once" in (s.state / "status").read_bytes()


def test_shim_ends_when_released_and_leaves_no_cgroup(shim):
    s = shim("true")
    s.call(START)
    seq = s.event(EXITED)[1]
    s.call(RELEASE, message(f1=seq, f2=True))
    assert s.process.wait(60) == 0
    assert not [d for d, _, _ in os.walk("/sys/fs/cgroup") if s.id in d]
    assert not list(s.oci.iterdir())


def test_no_descriptor_is_inherited(shim):
    """The harness starts shims with its own descriptors open; one kept would hold locks and sockets for ever."""
    s = shim("sleep", "1000", inherit="/dev/zero")
    s.call(START)
    held = [os.readlink(f"/proc/self/fd/{fd}") for fd in harness.opened(s.process.pid)]
    assert "/dev/zero" not in held, held


@pytest.mark.unsanitized(reason="measures memory, of which sanitizers take much")
def test_memory_of_a_running_container(shim):
    s = shim("sleep", "1000")
    s.call(START)
    text = pathlib.Path(f"/proc/{s.process.pid}/smaps_rollup").read_text(encoding="utf-8")
    # What each further container costs: the program's own pages are shared by all shims.
    own = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss_Anon:"))
    assert own <= 400, text
    assert len(os.listdir(f"/proc/{s.process.pid}/task")) == 1
