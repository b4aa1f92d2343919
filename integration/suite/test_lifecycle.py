# SPDX-License-Identifier: Apache-2.0
"""create, start, stop, kill, pause, restart, wait, rename, rm, ps, top."""
import collections
import subprocess
import json
import os
import pathlib
import signal
import time

import harness
import pytest


def state(engine, name):
    return json.loads(engine.out("inspect", name))[0]["State"]


def test_create_start_wait_rm(busybox):
    busybox.out("create", "--name", "cc", "busybox", "sh", "-c", "exit 3")
    assert state(busybox, "cc")["Status"] == "created"
    assert busybox.out("start", "cc") == "cc"
    assert busybox.out("wait", "cc") == "3"
    assert state(busybox, "cc")["ExitCode"] == 3
    assert busybox.out("start", "-a", "cc", check=False) == ""
    assert busybox.out("rm", "cc") == "cc"
    busybox.expect_nothing_left()


def test_stop_sends_term_then_kill(busybox):
    busybox.out("run", "-d", "--name", "polite", "busybox", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
    busybox.out("run", "-d", "--name", "stubborn", "busybox", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    for name in ("polite", "stubborn"):
        busybox.wait_for_log(name, "ready")
    busybox.out("stop", "-t", "100", "polite")
    assert state(busybox, "polite")["ExitCode"] == 9
    start = time.monotonic()
    busybox.out("stop", "-t", "1", "stubborn")
    assert state(busybox, "stubborn")["ExitCode"] == 137
    assert time.monotonic() - start >= 1


def test_stop_signal_of_the_container(busybox):
    busybox.out("run", "-d", "--name", "cu", "--stop-signal", "USR1", "busybox", "sh", "-c",
                "trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done")
    busybox.wait_for_log("cu", "ready")
    busybox.out("stop", "cu")
    assert state(busybox, "cu")["ExitCode"] == 5


def test_kill_with_signal(busybox):
    busybox.out("run", "-d", "--name", "ck", "busybox", "sleep", "1000")
    busybox.out("kill", "-s", "KILL", "ck")
    assert busybox.out("wait", "ck") == "137"
    done = busybox.cleat("kill", "ck", check=False)
    assert done.returncode == 1 and "is not running" in done.stderr


def test_pause_and_unpause(busybox):
    busybox.out("run", "-d", "--name", "cp", "busybox", "sh", "-c",
                "i=0; while :; do i=$((i+1)); echo $i > /count; sleep 0.02; done")
    count = pathlib.Path(f"/proc/{state(busybox, 'cp')['Pid']}/root/count")
    harness.wait_until(lambda: count.exists() and count.read_text(), what="the first count")
    busybox.out("pause", "cp")
    before = count.read_text()
    assert state(busybox, "cp")["Status"] == "paused"
    time.sleep(0.3)  # what runs on would have counted
    assert count.read_text() == before
    assert "(Paused)" in busybox.out("ps")
    busybox.out("unpause", "cp")
    harness.wait_until(lambda: count.read_text() != before, what="a count after unpause")


def test_restart_gives_a_new_pid(busybox):
    busybox.out("run", "-d", "--name", "cr", "busybox", "sleep", "1000")
    first = state(busybox, "cr")["Pid"]
    busybox.out("restart", "-t", "0", "cr")
    second = state(busybox, "cr")
    assert second["Running"] and second["Pid"] != first


def test_restart_of_a_container_with_rm_keeps_what_it_wrote(busybox):
    busybox.out("run", "-d", "--rm", "--name", "cv", "busybox", "sh", "-c", "echo x >> /kept; sleep 1000")
    for starts in (1, 2, 3):
        harness.wait_until(lambda n=starts: busybox.cleat("exec", "cv", "cat", "/kept", check=False).stdout.count("x") == n,
                           60, f"line {starts}")
        mount = busybox.out("exec", "cv", "sh", "-c", "grep ' / ' /proc/mounts")
        assert "volatile" in mount.split()[3]
        busybox.out("restart", "-t", "0", "cv")
    busybox.out("rm", "-f", "cv")


def test_restart_policy_on_failure(busybox):
    busybox.out("run", "-d", "--name", "cf", "--restart", "on-failure:2", "busybox", "sh", "-c", "echo x; exit 4")
    harness.wait_until(lambda: state(busybox, "cf")["Status"] == "exited", what="the last exit")
    assert busybox.out("logs", "cf").split() == ["x"] * 3
    assert json.loads(busybox.out("inspect", "cf"))[0]["RestartCount"] == 2


def test_rename_and_prefixes(busybox):
    cid = busybox.out("create", "--name", "old", "busybox")
    busybox.out("rename", "old", "new")
    assert busybox.out("inspect", "-f", "{{.Name}}", cid[:12]) == "/new"
    done = busybox.cleat("inspect", "old", check=False)
    assert done.returncode == 1 and "o such" in done.stderr


def test_rm_of_a_running_container(busybox):
    busybox.out("run", "-d", "--name", "busy", "busybox", "sleep", "1000")
    done = busybox.cleat("rm", "busy", check=False)
    assert done.returncode == 1 and "running" in done.stderr
    busybox.out("rm", "-f", "busy")
    busybox.expect_nothing_left()


def test_ps_filters_and_formats(busybox):
    busybox.out("run", "-d", "--name", "aa", "-l", "tier=web", "busybox", "sleep", "1000")
    busybox.out("create", "--name", "bb", "-l", "tier=db", "busybox")
    assert busybox.out("ps", "--format", "{{.Names}}") == "aa"
    assert set(busybox.out("ps", "-a", "--format", "{{.Names}}").split()) == {"aa", "bb"}
    assert busybox.out("ps", "-a", "-f", "label=tier=db", "--format", "{{.Names}}") == "bb"
    assert busybox.out("ps", "-a", "-f", "status=created", "--format", "{{.Names}}") == "bb"
    assert busybox.out("ps", "-f", "ancestor=busybox", "--format", "{{.Names}}") == "aa"
    done = busybox.cleat("ps", "-f", "nonsense=1", check=False)
    assert done.returncode == 1 and "nonsense" in done.stderr
    header = busybox.out("ps").splitlines()[0].split()
    assert header == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]


def test_top(busybox):
    busybox.out("run", "-d", "--name", "ct", "busybox", "sleep", "1234")
    out = busybox.out("top", "ct")
    assert out.splitlines()[0].split()[:3] == ["UID", "PID", "PPID"]
    assert "sleep 1234" in out


def test_events(busybox):
    busybox.cleat("run", "--rm", "--name", "ce", "busybox", "sh", "-c", "exit 2", check=False)
    now = str(int(time.time()) + 1)
    lines = busybox.out("events", "--since", "1h", "--until", now, "-f", "container=ce", "--format",
                        "{{.Action}}").splitlines()
    for action in ("create", "start", "die", "destroy"):
        assert action in lines, lines
    assert lines.index("create") < lines.index("start") < lines.index("die") < lines.index("destroy")


def test_one_stuck_shim_does_not_slow_ps(busybox):
    busybox.out("run", "-d", "--name", "s1", "busybox", "sleep", "1000")
    busybox.out("run", "-d", "--name", "s2", "busybox", "sleep", "1000")
    shims = busybox.shims()
    assert len(shims) == 2
    os.kill(shims[0], signal.SIGSTOP)
    try:
        assert len(busybox.out("ps", "-q").split()) == 2
    finally:
        os.kill(shims[0], signal.SIGCONT)


def test_a_paused_container_ends(busybox):
    """kill, stop's timeout and rm -f reach what is frozen, other signals wait for the unpause."""
    for command, code in (("kill", 137), ("kill -s TERM", 0), ("rm -f", None)):
        busybox.out("run", "-d", "--name", "frozen", "busybox", "sh", "-c",
                    "trap 'exit 0' TERM; trap : USR1; echo ready; while :; do sleep 0.01; done")
        busybox.wait_for_log("frozen", "ready")
        busybox.out("pause", "frozen")
        busybox.out("kill", "-s", "USR1", "frozen")
        assert state(busybox, "frozen")["Status"] == "paused"
        busybox.out(*command.split(), "frozen")
        if code is not None:
            assert busybox.out("wait", "frozen") == str(code)
            busybox.out("rm", "frozen")
    busybox.out("run", "-d", "--name", "frozen", "busybox", "sh", "-c",
                "trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done")
    busybox.wait_for_log("frozen", "ready")
    stop = busybox.popen("stop", "-t", "10", "frozen")
    busybox.wait_for_log("frozen", "asked")
    busybox.out("pause", "frozen")
    assert stop.wait(60) == 0
    assert state(busybox, "frozen")["ExitCode"] == 137


def test_start_and_rm_at_once(busybox):
    """Whoever comes first: what is removed does not run, and what runs is not removed."""
    marker = f"86461.{os.getpid()}"
    for turn in range(24):
        busybox.out("run", "--name", "both", "busybox", "sh", "-c",
                    f"[ -e /second ] && exec sleep {marker}; touch /second")
        orders = [busybox.command("start", "both"), busybox.command("rm", "both")]
        both = [subprocess.Popen(order, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for order in orders[::1 if turn % 2 else -1]]
        codes = [process.wait(60) for process in both]
        assert 0 in codes
        if not busybox.out("ps", "-aq"):
            busybox.expect_nothing_left()
            assert not harness.processes_below(f"sleep\0{marker}")
        busybox.cleat("rm", "-f", "both", check=False)


def test_who_was_killed_has_ended(busybox):
    """As with Docker, SIGKILL is waited for, so that `kill` and `rm` go one after the other."""
    for _ in range(20):
        busybox.out("run", "-d", "--name", "gone", "busybox", "sleep", "1000")
        busybox.out("kill", "gone")
        busybox.out("rm", "gone")
    busybox.out("run", "-d", "--name", "kept", "--restart", "always", "busybox", "sleep", "1000")
    busybox.out("kill", "kept")
    assert busybox.out("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "kept") == "exited 0"


@pytest.mark.skipif(harness.KERNEL < (6, 14), reason="the kernel has one pid_max for all")
def test_pids_come_again():
    """A pid is another process's a moment later: its exit code is not that of who had the pid before."""
    few = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
           "echo 361 >/proc/sys/kernel/pid_max; exec \"$@\"", "sh"]
    with harness.Engine(inside=few) as engine:
        engine.load_busybox()
        engine.out("run", "-d", "--name", "seven", "--restart", "always", "--restart-delay", "1ms", "--restart-delay-max", "1ms",
                   "busybox", "sh", "-c", "usleep 10000; exit 7")
        harness.wait_until(lambda: int(engine.out("inspect", "seven", "-f", "{{.RestartCount}}")) >= 200, timeout=300,
                           what="200 restarts")
        engine.out("stop", "seven")
        codes = engine.out("events", "--since", "0", "--until", str(int(time.time()) + 1), "-f", "event=die", "--format",
                           "{{.Actor.Attributes.exitCode}}").split()
        assert len(codes) > 200 and set(codes[:-1]) == {"7"}, collections.Counter(codes)
