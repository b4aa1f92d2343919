# SPDX-License-Identifier: Apache-2.0
"""A container whose memory is out: exit code, inspect, events."""
import contextlib
import json
import os
import signal
import subprocess

import pytest

import harness

pytestmark = pytest.mark.unsanitized(reason="limits of memory")

LIMITS = ("-m", "16m", "--memory-swap", "16m")
# Each child takes more than there is, and is killed; the shell goes on: where a child takes long to end, the kernel looks
# for one more, which is to be a child too.
GREEDY = """while read line; do
    (echo 1000 >/proc/self/oom_score_adj; head -c 64m /dev/zero | tail >/dev/null)
    echo out
done"""


def state(engine, name):
    return json.loads(engine.out("inspect", name))[0]["State"]


def events(engine, *kinds):
    filters = [word for kind in kinds for word in ("--filter", f"event={kind}")]
    return engine.out("events", "--since", "1h", "--until", "0s", *filters, "--format", "{{.Action}}").split()


@contextlib.contextmanager
def one_more_killed(engine, count=0):
    """A client that had a process of the container killed; the engine has told more than `count` such events."""
    with engine.popen("attach", "one", stdin=-1, stdout=-1, text=True) as client:
        client.stdin.write("go\n")
        client.stdin.flush()
        assert client.stdout.readline() == "out\n"
        harness.wait_until(lambda: len(events(engine, "oom")) > count, what="the event")
        yield
        client.kill()


def test_its_first_process_is_killed(busybox):
    done = busybox.cleat("run", "--name", "one", *LIMITS, "busybox", "tail", "/dev/zero", check=False)
    assert done.returncode == 137
    seen = state(busybox, "one")
    assert seen["OOMKilled"] and seen["ExitCode"] == 137 and seen["Status"] == "exited"
    assert events(busybox, "oom", "die") == ["oom", "die"]
    busybox.cleat("start", "-a", "one", check=False)
    assert events(busybox, "oom", "die") == ["oom", "die"] * 2


def test_one_of_its_processes_is_killed(busybox):
    """It goes on, and is known for it at once; a shim that succeeds hears of the next one."""
    busybox.out("run", "-d", "-i", "--name", "one", *LIMITS, "busybox", "sh", "-c", GREEDY)
    with one_more_killed(busybox):
        assert state(busybox, "one")["Running"] and state(busybox, "one")["OOMKilled"]
        killed = busybox.shims()
        for shim in killed:
            os.kill(shim, signal.SIGKILL)
        count = len(events(busybox, "oom"))
        harness.wait_until(lambda: set(busybox.shims()) - set(killed), what="another shim")
    with one_more_killed(busybox, count):
        pass
    busybox.out("stop", "-t", "0", "one")
    assert state(busybox, "one")["OOMKilled"]


def test_whoever_hears_of_it_can_see_it(busybox):
    busybox.out("run", "-d", "-i", "--name", "one", *LIMITS, "busybox", "sh", "-c", GREEDY)
    shim, = busybox.shims()
    with busybox.popen("attach", "one", stdin=-1, stdout=subprocess.DEVNULL, text=True) as client:
        try:
            with harness.slowed(shim, "pwrite64"):  # by which the status is written
                client.stdin.write("go\n")
                client.stdin.flush()
                harness.wait_until(lambda: events(busybox, "oom"), what="the event")
                assert state(busybox, "one")["OOMKilled"]
        finally:
            client.kill()


def test_what_was_told_is_not_told_again(busybox):
    """By a shim that succeeds the one that told it."""
    busybox.out("run", "-d", "-i", "--name", "one", *LIMITS, "busybox", "sh", "-c", GREEDY)
    with one_more_killed(busybox):
        pass
    for shim in busybox.shims():
        os.kill(shim, signal.SIGKILL)
    busybox.out("stop", "-t", "0", "one")
    assert events(busybox, "oom", "die") == ["oom", "die"]
    assert state(busybox, "one")["OOMKilled"]


def test_one_that_is_started_again_is_never_over(busybox):
    """Nor for who looks between the event and the end: by a shim that hears of both at once, as its predecessor was killed."""
    go = busybox.root / "go"
    os.mkfifo(go)
    busybox.out("run", "-d", "--name", "one", "--restart", "always", *LIMITS, "-v", f"{go}:/go", "busybox", "sh", "-c",
                "read word < /go; exec tail /dev/zero")
    pid, (shim,) = state(busybox, "one")["Pid"], busybox.shims()
    busybox.kill()
    os.kill(shim, signal.SIGKILL)
    go.write_text("go\n")
    harness.wait_until(lambda: not os.path.exists(f"/proc/{pid}"), what="the end of the process")
    busybox.start()
    seen = set()

    def runs_again():
        seen.add(state(busybox, "one")["Status"])
        return json.loads(busybox.out("inspect", "one"))[0]["RestartCount"] == 1 and state(busybox, "one")["Running"]

    harness.wait_until(runs_again, what="the restart")
    assert seen <= {"running", "restarting"}
    harness.wait_until(lambda: events(busybox, "oom", "die") == ["oom", "die"], what="both events")


def test_who_only_has_a_limit_is_not_known_for_it(busybox):
    busybox.out("run", "--name", "one", *LIMITS, "busybox", "true")
    assert not state(busybox, "one")["OOMKilled"] and state(busybox, "one")["ExitCode"] == 0
    assert events(busybox, "oom") == []


def test_without_the_engine(busybox):
    busybox.out("create", "--name", "one", "--restart", "on-failure:1", *LIMITS, "busybox", "sh", "-c",
                "sleep 1; exec tail /dev/zero")
    busybox.out("start", "one")
    busybox.kill()
    harness.wait_until(lambda: not busybox.shims(), what="the container's end")
    busybox.start()
    assert state(busybox, "one")["OOMKilled"] and state(busybox, "one")["ExitCode"] == 137
    harness.wait_until(lambda: events(busybox, "oom", "die") == ["oom", "die"] * 2, what="its events")
