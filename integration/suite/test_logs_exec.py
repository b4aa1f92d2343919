# SPDX-License-Identifier: Apache-2.0
"""logs and exec."""
import concurrent.futures
import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time

import pytest

import harness


def test_tail_since_timestamps(busybox):
    busybox.out("run", "--name", "cl", "busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done")
    assert busybox.out("logs", "cl").splitlines() == [f"line {i}" for i in range(1, 6)]
    assert busybox.out("logs", "--tail", "2", "cl").splitlines() == ["line 4", "line 5"]
    assert busybox.out("logs", "-n", "0", "cl") == ""
    stamped = busybox.out("logs", "-t", "cl").splitlines()[0]
    assert stamped.endswith("Z line 1")
    assert busybox.out("logs", "--since", "2030-01-01", "cl") == ""


def test_streams_are_kept_apart(busybox):
    busybox.cleat("run", "--name", "cs", "busybox", "sh", "-c", "echo o; echo e >&2")
    done = busybox.cleat("logs", "cs")
    assert (done.stdout, done.stderr) == ("o\n", "e\n")


def test_follow_ends_with_the_container(busybox):
    busybox.out("run", "-d", "--name", "cf", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done")
    done = busybox.cleat("logs", "-f", "cf", timeout=60)
    assert done.stdout == "1\n2\n3\n"


def test_json_file_driver(busybox):
    busybox.out("run", "--name", "cj", "--log-driver", "json-file", "busybox", "echo", "hi")
    path = busybox.out("inspect", "-f", "{{.LogPath}}", "cj")
    with open(path, encoding="utf-8") as log:
        line = log.readline()
    assert '"log":"hi\\n"' in line and '"stream":"stdout"' in line
    assert busybox.out("logs", "cj") == "hi"


def test_no_log_driver(busybox):
    busybox.out("run", "--name", "cn", "--log-driver", "none", "busybox", "echo", "hi")
    done = busybox.cleat("logs", "cn", check=False)
    assert done.returncode == 1


def test_closed_segments_are_compressed():
    """By the engine, beside readers and the shim that goes on rotating; nothing of it shows in what is read."""
    with harness.Engine(config={"log-compress-after": 0}) as engine:
        engine.load_busybox()
        run = lambda name, *options: engine.out(
            "run", "-d", "--name", name, "--log-opt", "max-size=100k", *options, "busybox", "sh", "-c",
            "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo this is line $i; done")
        run("packed", "--log-opt", "max-file=100")
        follower = engine.popen("logs", "-f", "packed", stdout=subprocess.PIPE, text=True)
        whole = [f"this is line {i}" for i in range(1, 20001)]
        assert follower.communicate(timeout=60)[0].splitlines() == whole
        files = lambda name: sorted(path.name for path in
                                    (engine.state / "containers" / engine.out("ps", "-aqf", f"name={name}",
                                                                             "--no-trunc") / "log").iterdir())
        harness.wait_until(lambda: [n for n in files("packed") if not n.endswith(".zst")] == files("packed")[-1:],
                           what="all but the last compressed")
        assert len(files("packed")) > 3
        assert engine.out("logs", "packed").splitlines() == whole
        assert engine.out("logs", "--tail", "15000", "packed").splitlines() == whole[-15000:]
        # the oldest go all the same, and a user may have them plain
        run("bounded", "--log-opt", "max-file=2")
        run("plain", "--log-opt", "max-file=100", "--log-opt", "compress=false")
        engine.out("wait", "bounded", "plain")
        assert engine.out("logs", "plain").splitlines() == whole
        kept = engine.out("logs", "bounded").splitlines()
        assert kept and kept == whole[-len(kept):]
        # one that is being compressed is there twice
        harness.wait_until(lambda: len(files("bounded")) <= 2, what=lambda: f"no more than two files: {files('bounded')}")
        assert not any(name.endswith(".zst") for name in files("plain"))
        done = engine.cleat("run", "--log-opt", "compress=x", "busybox", check=False)
        assert done.returncode == 125 and "invalid log option compress=x" in done.stderr


@pytest.mark.parametrize("files", [3, 20])
def test_followers_of_a_rotated_json_log(busybox, files):
    """Each line once and in order, though files are renamed under the reader and its engine is killed."""
    shared = busybox.root / "shared"
    shared.mkdir()
    script = ("until [ -e /shared/go ]; do usleep 20000; done; "
              "i=0; while [ $i -lt 12000 ]; do echo line $i abcdefghijklmnopqrstuvwxyz; i=$((i+1)); "
              "[ $((i%300)) = 0 ] && sleep 0.03; done; echo END")
    names = [f"writer{n}" for n in range(4)]
    for name in names:
        busybox.out("run", "-d", "--name", name, "-v", f"{shared}:/shared", "--log-driver", "json-file", "--log-opt",
                    "max-size=100k", "--log-opt", f"max-file={files}", "busybox", "sh", "-c", script)
    followers = [busybox.popen("logs", "-f", name, stdout=subprocess.PIPE, text=True) for name in names]
    for follower in followers:
        harness.wait_for_connection(follower)
    (shared / "go").touch()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outputs = [pool.submit(f.communicate, timeout=300) for f in followers]
        for _ in range(3):
            time.sleep(0.5)
            busybox.kill()
            busybox.start()
        for output in outputs:
            lines = output.result()[0].splitlines()
            numbers = [int(line.split()[1]) for line in lines[:-1]]
            first = numbers[0]  # the oldest may be gone before it is read
            assert lines[-1] == "END" and (files == 3 or first == 0)
            if files == 20:
                assert numbers == list(range(12000))
            else:
                assert numbers == sorted(set(numbers))


def test_rotation_bounds_the_disk(busybox):
    busybox.out("run", "-d", "--name", "big", "--log-opt", "max-size=1m", "--log-opt", "max-file=3", "busybox", "sh", "-c",
                "seq 1000000")
    busybox.out("wait", "big", timeout=120)
    used = 0
    for path in busybox.state.glob("containers/*/log/*"):
        with contextlib.suppress(FileNotFoundError):  # compressed meanwhile
            used += path.stat().st_size
    assert 1 << 20 < used < 5 << 20
    assert busybox.out("logs", "--tail", "1", "big") == "1000000"


def test_exec_basics(busybox):
    busybox.out("run", "-d", "--name", "cx", "-e", "A=1", "busybox", "sleep", "1000")
    done = busybox.cleat("exec", "cx", "sh", "-c", "echo $A$B; echo e >&2; exit 6", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "e\n", 6)
    assert busybox.out("exec", "-e", "B=2", "-u", "web", "-w", "/tmp", "cx", "sh", "-c", "echo $B; id -u; pwd").split() \
        == ["2", "1000", "/tmp"]
    done = busybox.cleat("exec", "-i", "cx", "cat", input="in")
    assert done.stdout == "in"
    assert busybox.cleat("exec", "cx", "no-such", check=False).returncode == 127
    assert busybox.cleat("exec", "cx", "/etc/passwd", check=False).returncode == 126
    busybox.out("exec", "-d", "cx", "sh", "-c", "echo yes > /tmp/done")
    harness.wait_until(lambda: busybox.cleat("exec", "cx", "cat", "/tmp/done", check=False).stdout == "yes\n")


def test_exec_needs_a_running_container(busybox):
    busybox.out("create", "--name", "idle", "busybox")
    done = busybox.cleat("exec", "idle", "true", check=False)
    assert done.returncode in (1, 126) and "is not running" in done.stderr


def read_until(fd, needle, timeout=60):
    data, end = b"", time.monotonic() + timeout
    while needle not in data:
        assert time.monotonic() < end, data
        try:
            data += os.read(fd, 4096)
        except OSError:
            break
    return data


def in_terminal(command):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    return pid, fd


def test_interactive_run_and_resize(busybox):
    pid, fd = in_terminal(busybox.command("run", "-it", "--rm", "busybox", "sh"))
    read_until(fd, b"# ")
    set_size(fd, 33, 77)  # it goes another way than what is typed, and may come later
    os.write(fd, b"tty && until stty size | grep '^33 77$'; do usleep 10000; done && echo do''ne\r")
    out = read_until(fd, b"done\r\n")
    assert b"/dev/pts/0" in out or b"/dev/console" in out
    assert b"\n33 77\r\n" in out
    os.write(fd, b"exit 5\r")
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 5


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


SIZED = ["sh", "-c", "stty size; read line; stty size"]


@pytest.mark.parametrize("kind", ["run", "exec"])
def test_a_terminal_has_its_size_from_the_first_and_over_a_killed_engine(busybox, kind):
    """The one it has then, not the one that the session began with."""
    if kind == "run":
        arguments = ["run", "-it", "--rm", "busybox"]
    else:
        arguments = ["exec", "-it", busybox.out("run", "-d", "busybox", "sleep", "1000").strip()]
    ours, theirs = pty.openpty()
    set_size(ours, 33, 77)
    # it is no session's terminal: nobody but the commands asked for it is told that its size changes
    with subprocess.Popen(busybox.command(*arguments, *SIZED), stdin=theirs, stdout=theirs, stderr=theirs) as client:
        os.close(theirs)
        read_until(ours, b"33 77\r\n")
        set_size(ours, 44, 88)
        busybox.kill(signal.SIGKILL)
        busybox.start()
        os.write(ours, b"go\r")
        assert b"44 88\r\n" in read_until(ours, b"88\r\n")
        assert client.wait(60) == 0
    os.close(ours)


def test_a_program_that_looks_at_once_finds_the_size(busybox):
    for _ in range(10):
        ours, theirs = pty.openpty()
        set_size(ours, 33, 77)
        with subprocess.Popen(busybox.command("run", "-it", "--rm", "busybox", "stty", "size"), stdin=theirs, stdout=theirs,
                              stderr=theirs) as client:
            os.close(theirs)
            assert read_until(ours, b"\n") == b"33 77\r\n"
            assert client.wait(60) == 0
        os.close(ours)


def test_detach_keys_leave_the_container_running(busybox):
    pid, fd = in_terminal(busybox.command("run", "-it", "--name", "cd", "busybox", "sh"))
    read_until(fd, b"# ")
    os.write(fd, b"\x10\x11")
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0
    assert busybox.out("inspect", "-f", "{{.State.Running}}", "cd") == "true"
    told = busybox.out("events", "--since", "1h", "--until", str(int(time.time()) + 1), "-f", "container=cd", "--format",
                       "{{.Action}}").split("\n")
    assert told[-1] == "detach" and told.count("detach") == 1


def test_detach_keys_leave_an_exec_running(busybox):
    busybox.out("run", "-d", "--name", "cd", "busybox", "sleep", "1000")
    pid, fd = in_terminal(busybox.command("exec", "-it", "cd", "sh"))
    read_until(fd, b"# ")
    os.write(fd, b"\x10\x11")
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0
    told = busybox.out("events", "--since", "1h", "--until", str(int(time.time()) + 1), "-f", "container=cd", "--format",
                       "{{.Action}}").split("\n")
    assert told[-1] == "exec_detach"
    assert [line.split()[-1] for line in busybox.out("top", "cd", "-o", "pid,args").splitlines()[1:]] == ["1000", "sh"]


def test_what_is_typed_before_the_detach_keys_comes_to_the_container(busybox):
    """All at once, as a terminal hands it over that was not read for a while."""
    busybox.out("run", "-d", "--name", "cd", "busybox", "sleep", "1000")
    for i in range(10):
        pid, fd = in_terminal(busybox.command("exec", "-it", "cd", "sh", "-c", f"echo ready; read line; echo $line >/{i}"))
        read_until(fd, b"ready")
        os.write(fd, b"typed\r\x10\x11")
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        assert os.waitstatus_to_exitcode(status) == 0
        read = ["exec", "cd", "cat", f"/{i}"]
        harness.wait_until(lambda: busybox.cleat(*read, check=False).stdout == "typed\n", what=f"line {i}")  # noqa: B023


def test_detach_keys_leave_a_container_that_takes_no_input(busybox):
    """What was typed before may wait in the terminal for ever, the client does not."""
    busybox.out("run", "-d", "--name", "cd", "busybox", "sleep", "1000")
    pid, fd = in_terminal(busybox.command("exec", "-it", "cd", "sh", "-c", "stty raw -echo; echo ready; sleep 1000"))
    read_until(fd, b"ready")
    for _ in range(20):
        os.write(fd, b"x" * 1000)
    os.write(fd, b"\x10\x11")
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0


def test_stalled_follower_never_stops_the_container(busybox):
    busybox.out("run", "-d", "--name", "cw", "busybox", "sh", "-c", "seq 400000; touch /tmp/through; sleep 1000")
    stalled = busybox.popen("attach", "--no-stdin", "cw", stdout=subprocess.PIPE)
    try:
        harness.wait_until(lambda: busybox.cleat("exec", "cw", "test", "-e", "/tmp/through", check=False).returncode == 0,
                           60, "end of the output")
    finally:
        stalled.kill()
        stalled.wait()
        stalled.stdout.close()
