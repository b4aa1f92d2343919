# SPDX-License-Identifier: Apache-2.0
"""Health checks: they run in the shim, so nothing here needs the engine but to be told and to be asked."""
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import time

import harness
import pytest
from harness import wait_until
from test_shim import message

RUNS = ("busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def health(engine, name):
    return inspect(engine, name)["State"].get("Health")


def becomes(engine, name, status):
    """Waits for the status and returns what is shown of the health then."""
    return wait_until(lambda: (h := health(engine, name)) and h["Status"] == status and h,
                      what=lambda: f"{name} {status}: {health(engine, name)}")


def events(engine, name):
    text = engine.out("events", "--since", "1h", "--until", str(int(time.time()) + 1), "--format", "json",
                      "-f", f"container={name}")
    return [json.loads(line) for line in text.splitlines()]


def actions(engine, name):
    return [e["Action"] for e in events(engine, name)]


def wait_for_actions(engine, name, wanted, chosen=lambda action: action.startswith("health")):
    """An event is told when its result can be seen already (shim/probe.c), and is recorded a moment later."""
    def told():
        return [a for a in actions(engine, name) if chosen(a)]
    wait_until(lambda: told() == wanted, what=lambda: f"{wanted} instead of {told()}")


def exec_events(engine, name):
    """How many there are of each kind, once every check that was started has ended: of one that was being launched when its
    container ended its shim hears behind that."""
    def seen():
        return collections.Counter(a.split(":")[0] for a in actions(engine, name) if a.startswith("exec_"))
    return wait_until(lambda: (found := seen()) and found["exec_start"] == found["exec_die"] and found,
                      what=lambda: f"an end of each check: {seen()}")


def checked(engine, name, command, *arguments, interval="50ms"):
    engine.out("run", "-d", "--name", name, "--health-cmd", command, "--health-interval", interval, *arguments, *RUNS)


def shown(engine, name):
    return engine.out("ps", "-a", "--filter", f"name=^{name}$", "--format", "{{.Status}}")


def named(engine, *filters):
    return set(engine.out("ps", "-a", "--format", "{{.Names}}", *(w for f in filters for w in ("-f", f))).split())


def build(engine, tmp_path, text, tag):
    folder = tmp_path / tag
    folder.mkdir()
    (folder / "Dockerfile").write_text(text)
    engine.out("build", "-t", tag, folder)


def test_healthy(busybox):
    checked(busybox, "well", "echo fine; echo bad >&2; echo fine", interval="1h")
    assert shown(busybox, "well").endswith(" (health: starting)")
    assert named(busybox, "health=starting") == {"well"} and health(busybox, "well")["Log"] == []
    checked(busybox, "often", "echo fine; echo bad >&2; echo fine")
    h = becomes(busybox, "often", "healthy")
    assert h["FailingStreak"] == 0
    assert h["Log"][0]["Output"] == "fine\nbad\nfine\n" and h["Log"][0]["ExitCode"] == 0
    assert h["Log"][0]["Start"] < h["Log"][0]["End"]
    assert shown(busybox, "often").endswith(" (healthy)")
    busybox.out("run", "-d", "--name", "plain", *RUNS)
    busybox.out("create", "--name", "unborn", "--health-cmd", "true", "busybox")
    assert named(busybox, "health=healthy") == {"often"} and named(busybox, "health=unhealthy") == set()
    assert named(busybox, "health=none") == {"plain", "unborn"}
    assert health(busybox, "plain") is None and health(busybox, "unborn") is None
    assert inspect(busybox, "often")["Config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "echo fine; echo bad >&2; echo fine"], "Interval": 50_000_000}


def test_it_runs_as_the_container_does(busybox):
    checked(busybox, "who", "id -u; pwd; echo $X; hostname; tty", "-u", "12:34", "-w", "/tmp", "-e", "X=y", "-h", "hh", "-t")
    assert becomes(busybox, "who", "unhealthy")["Log"][-1]["Output"] == "12\n/tmp\ny\nhh\nnot a tty\n"


def test_unhealthy_and_back(busybox, tmp_path):
    (tmp_path / "code").write_text("7")
    checked(busybox, "ill", "cat /b/code; exit $(cat /b/code)", "--health-retries", "2", "-v", f"{tmp_path}:/b")
    h = becomes(busybox, "ill", "unhealthy")
    assert h["FailingStreak"] >= 2 and h["Log"][-1]["ExitCode"] == 7 and h["Log"][-1]["Output"] == "7"
    assert shown(busybox, "ill").endswith(" (unhealthy)") and named(busybox, "health=unhealthy") == {"ill"}
    wait_until(lambda: len(health(busybox, "ill")["Log"]) == 5)
    more = health(busybox, "ill")["FailingStreak"]
    wait_until(lambda: health(busybox, "ill")["FailingStreak"] > more)
    assert len(health(busybox, "ill")["Log"]) == 5
    (tmp_path / "code").write_text("0")
    assert becomes(busybox, "ill", "healthy")["FailingStreak"] == 0
    wait_for_actions(busybox, "ill", ["health_status: unhealthy", "health_status: healthy"])
    told = [e for e in events(busybox, "ill") if e["Action"].startswith("health_status")]
    assert told[0]["Actor"]["Attributes"] == {"image": "busybox", "name": "ill"}


def test_events_of_a_check(busybox):
    checked(busybox, "told", "exit 3", "--health-retries", "1")
    becomes(busybox, "told", "unhealthy")
    wait_for_actions(busybox, "told", ["health_status: unhealthy"])
    one = [e for e in events(busybox, "told") if e["Action"] not in ("create", "start")][:4]
    assert [e["Action"] for e in one] == ["exec_create: /bin/sh -c exit 3", "exec_start: /bin/sh -c exit 3", "exec_die",
                                          "health_status: unhealthy"]
    assert len({e["Actor"]["Attributes"].get("execID") for e in one[:3]}) == 1
    assert one[2]["Actor"]["Attributes"]["exitCode"] == "3"
    found = busybox.out("events", "--since", "1h", "--until", str(int(time.time()) + 1), "-f", "event=health_status",
                        "--format", "{{.Action}}")
    assert found == "health_status: unhealthy"


def test_time_out_ends_all_of_it(busybox):
    checked(busybox, "slow", "echo begun; (sleep 1001; true) & setsid sleep 1002 & sleep 1003", "--health-timeout", "100ms",
            "--health-retries", "1")
    h = becomes(busybox, "slow", "unhealthy")
    assert h["Log"][0]["ExitCode"] == -1
    # on a busy machine one may be over before it has said anything
    told = ["Health check exceeded timeout (100ms)", "Health check exceeded timeout (100ms): begun\n"]
    log = wait_until(lambda: (log := health(busybox, "slow")["Log"]) and told[1] in [r["Output"] for r in log] and log)
    assert {r["Output"] for r in log} <= set(told) and {r["ExitCode"] for r in log} == {-1}
    busybox.out("pause", "slow")
    busybox.out("unpause", "slow")
    wait_until(lambda: "sleep 100" not in busybox.out("top", "slow"), what=lambda: busybox.out("top", "slow"))


@pytest.mark.parametrize("runtime", ["runc"])
def test_other_runtimes(busybox, runtime):
    program = shutil.which(runtime)
    if not program:
        pytest.skip(f"no {runtime} on this machine")
    checked(busybox, "well", "echo from $0", "--runtime", program)
    assert becomes(busybox, "well", "healthy")["Log"][0]["Output"].startswith("from ")
    checked(busybox, "slow", "sleep 1001", "--runtime", program, "--health-timeout", "50ms", "--health-retries", "1")
    assert becomes(busybox, "slow", "unhealthy")["Log"][0]["ExitCode"] == -1
    busybox.out("stop", "slow")
    assert exec_events(busybox, "slow")["exec_start"]


def test_output_is_bounded_text(busybox):
    checked(busybox, "much", "i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done")
    log = becomes(busybox, "much", "healthy")["Log"]
    assert log[0]["Output"] == ("0123456789\n" * 400)[:4096] + "..."
    checked(busybox, "bytes", r"printf 'a\377b\303\244'")
    assert becomes(busybox, "bytes", "healthy")["Log"][0]["Output"] == "a?bä"


def test_what_cannot_be_run(busybox, tmp_path):
    build(busybox, tmp_path, 'FROM busybox\nHEALTHCHECK --interval=50ms --retries=1 CMD ["/nowhere"]\n', "broken")
    busybox.out("run", "-d", "--name", "no", "broken", "sleep", "1000")
    h = becomes(busybox, "no", "unhealthy")
    assert h["Log"][0]["ExitCode"] == -1 and "/nowhere" in h["Log"][0]["Output"]
    busybox.out("stop", "-t", "0", "no")
    assert not {"exec_start: /nowhere ", "exec_die"} & set(actions(busybox, "no"))


def test_start_period(busybox, tmp_path):
    """Failures of the period do not count until it was healthy once; the start interval holds meanwhile."""
    (tmp_path / "code").write_text("1")
    checked(busybox, "young", "echo >>/b/runs; exit $(cat /b/code)", "--health-start-period", "1h",
            "--health-start-interval", "50ms", "--health-retries", "1", "-v", f"{tmp_path}:/b", interval="60ms")
    wait_until(lambda: len((tmp_path / "runs").read_text()) > 4 if (tmp_path / "runs").exists() else False)
    h = health(busybox, "young")
    assert (h["Status"], h["FailingStreak"]) == ("starting", 0) and h["Log"][-1]["ExitCode"] != 0
    (tmp_path / "code").write_text("0")
    becomes(busybox, "young", "healthy")
    (tmp_path / "code").write_text("1")
    becomes(busybox, "young", "unhealthy")
    # neither period nor interval of the start: the first check is an hour away
    checked(busybox, "old", "true", interval="1h")
    # of an hour too, but the start has its own
    checked(busybox, "new", "true", "--health-start-period", "1h", "--health-start-interval", "50ms", interval="1h")
    becomes(busybox, "new", "healthy")
    assert health(busybox, "old")["Log"] == []


def test_each_start_begins_anew(busybox, tmp_path):
    (tmp_path / "code").write_text("1")
    checked(busybox, "again", "exit $(cat /b/code)", "--health-retries", "1", "-v", f"{tmp_path}:/b")
    becomes(busybox, "again", "unhealthy")
    (tmp_path / "code").write_text("0")
    becomes(busybox, "again", "healthy")
    busybox.out("stop", "again")
    # as with Docker: one that does not run is unhealthy, and nobody is told
    assert health(busybox, "again")["Status"] == "unhealthy" and shown(busybox, "again").startswith("Exited")
    assert not shown(busybox, "again").endswith("(unhealthy)")
    busybox.out("start", "again")
    becomes(busybox, "again", "healthy")
    wait_for_actions(busybox, "again", ["start", "health_status: unhealthy", "health_status: healthy", "die", "start",
                                        "health_status: healthy"], lambda a: a in ("start", "die") or a.startswith("health"))


def test_a_stop_without_a_limit_while_it_is_stopped_for_its_health(busybox):
    """Who stops it says how long that may take."""
    busybox.out("run", "-d", "--name", "ill", "--health-cmd", "false", "--health-interval", "50ms", "--health-retries", "1",
                "--restart", "always", "--restart-unhealthy", "--stop-timeout", "10", "busybox", "sh", "-c",
                "trap 'n=$((n+1)); echo term $n; if [ $n = 2 ]; then sleep 11; exit 7; fi' TERM; while :; do sleep 1000 & wait; done")
    wait_until(lambda: "term 1" in busybox.out("logs", "ill"))
    busybox.out("stop", "-t", "-1", "ill")
    assert inspect(busybox, "ill")["State"]["ExitCode"] == 7


def test_none_while_paused(busybox, tmp_path):
    for name in ("held", "free"):
        checked(busybox, name, f"echo >>/b/{name}", "-v", f"{tmp_path}:/b")
        becomes(busybox, name, "healthy")
    busybox.out("pause", "held")
    assert shown(busybox, "held").endswith(" (Paused)") and health(busybox, "held")["Status"] == "healthy"
    def runs(name):
        return (tmp_path / name).stat().st_size
    held, free = runs("held"), runs("free")
    wait_until(lambda: runs("free") > free + 9)
    assert runs("held") == held
    told = actions(busybox, "held")
    assert not [a for a in told[told.index("pause"):] if a.startswith("exec_create")]
    busybox.out("unpause", "held")
    wait_until(lambda: runs("held") > held + 1)
    busybox.out("stop", "held")
    assert exec_events(busybox, "held")["exec_start"]


def test_the_images(busybox, tmp_path):
    build(busybox, tmp_path, 'FROM busybox\nHEALTHCHECK --interval=50ms --retries=7 CMD ["echo", "a b"]\n'
          "CMD sleep 1000\n", "withcheck")
    assert json.loads(busybox.out("image", "inspect", "withcheck"))[0]["Config"]["Healthcheck"] == {
        "Test": ["CMD", "echo", "a b"], "Interval": 50_000_000, "Retries": 7}
    busybox.out("run", "-d", "--name", "same", "withcheck")
    busybox.out("run", "-d", "--name", "other", "--health-retries", "2", "--health-timeout", "9s", "withcheck")
    busybox.out("run", "-d", "--name", "none", "--no-healthcheck", "withcheck")
    busybox.out("run", "-d", "--name", "mine", "--health-cmd", "echo mine", "withcheck")
    assert becomes(busybox, "same", "healthy")["Log"][0]["Output"] == "a b\n"
    assert becomes(busybox, "mine", "healthy")["Log"][0]["Output"] == "mine\n"
    assert inspect(busybox, "other")["Config"]["Healthcheck"] == {
        "Test": ["CMD", "echo", "a b"], "Interval": 50_000_000, "Timeout": 9_000_000_000, "Retries": 2}
    assert health(busybox, "none") is None and inspect(busybox, "none")["Config"]["Healthcheck"]["Test"] == ["NONE"]
    busybox.out("commit", "other", "committed")
    assert json.loads(busybox.out("image", "inspect", "committed"))[0]["Config"]["Healthcheck"] == {
        "Test": ["CMD", "echo", "a b"], "Interval": 50_000_000, "Timeout": 9_000_000_000, "Retries": 2}
    # steps of a build are no containers that anybody wants to know the health of
    build(busybox, tmp_path, "FROM busybox\nHEALTHCHECK --interval=1ms CMD touch /checked\n", "touching")
    build(busybox, tmp_path, "FROM touching\nRUN usleep 200000; test ! -e /checked\n", "step")


@pytest.mark.parametrize("arguments, text", [
    (["--health-interval", "1us"], "Interval in Healthcheck cannot be less than 1ms"),
    (["--health-timeout", "999us"], "Timeout in Healthcheck cannot be less than 1ms"),
    (["--health-start-period", "1ns"], "StartPeriod in Healthcheck cannot be less than 1ms"),
    (["--health-start-interval", "10us"], "StartInterval in Healthcheck cannot be less than 1ms"),
    (["--health-interval", "-1s"], "--health-interval cannot be negative"),
    (["--health-retries", "-1"], "--health-retries cannot be negative"),
    (["--health-retries", "x"], "health-retries"),
    (["--no-healthcheck", "--health-cmd", "true"], "--no-healthcheck conflicts with --health-* options"),
    (["--restart-unhealthy"], "need --restart"),
    (["--restart", "no", "--restart-delay", "1s"], "need --restart"),
    (["--restart", "always", "--restart-delay", "2m"], "the first delay of a restart, 120000 ms, is above the longest"),
    (["--restart", "always", "--restart-delay-max", "10us"], "restart-delay-max"),
])
def test_wrong_settings(module_engine, arguments, text):
    done = module_engine.cleat("create", *arguments, "busybox", check=False)
    assert done.returncode and text in done.stderr, done


# ---- without the engine, and from shim to shim

def counted(folder, word):
    """How often a check wrote the word."""
    path = folder / "runs"
    return path.read_text().split().count(word) if path.exists() else 0


COUNTING = "echo begun >>/b/runs; exit $(cat /b/code)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_engine_is_away(busybox, tmp_path, number):
    """Checks go on, the status follows, and afterwards the journal has all that happened, once."""
    (tmp_path / "code").write_text("0")
    checked(busybox, "alone", COUNTING, "--health-retries", "2", "-v", f"{tmp_path}:/b")
    becomes(busybox, "alone", "healthy")
    busybox.kill(number)
    for code in ("1", "0", "1"):
        (tmp_path / "code").write_text(code)
        runs = counted(tmp_path, "begun")
        wait_until(lambda: counted(tmp_path, "begun") > runs + 3)
    busybox.start()
    becomes(busybox, "alone", "unhealthy")
    (tmp_path / "code").write_text("0")
    becomes(busybox, "alone", "healthy")
    busybox.out("stop", "alone")
    seen = exec_events(busybox, "alone")
    told = events(busybox, "alone")
    assert [e["Action"] for e in told if e["Action"].startswith("health")] == [
        f"health_status: {'un' * bad}healthy" for bad in (False, True, False, True, False)]
    times = [e["timeNano"] for e in told if e["Action"] != "stop"]  # which the engine tells, beside the last that the shim does
    assert times == sorted(times)
    assert seen["exec_create"] >= seen["exec_start"]
    # the last one may have been ended before it wrote its word
    assert seen["exec_start"] - counted(tmp_path, "begun") in (0, 1)
    ids = collections.Counter((e["Action"].split(":")[0], e["Actor"]["Attributes"]["execID"])
                              for e in told if e["Action"].startswith("exec_"))
    assert set(ids.values()) == {1}


def test_a_long_absence(busybox, tmp_path):
    """What waits for an engine is bounded: checks are no events any more, but what they change is."""
    (tmp_path / "code").write_text("0")
    checked(busybox, "long", COUNTING, "--health-retries", "1", "-v", f"{tmp_path}:/b")
    becomes(busybox, "long", "healthy")
    wait_until(lambda: counted(tmp_path, "begun") > 30)
    busybox.kill()
    old = message(f1=1, f9="x" * 30000)  # an event that every engine knows already, before those that none may know
    (shim,) = busybox.shims()
    journal = next((busybox.state / "containers").glob("*/journal"))
    with harness.stopped(shim):
        journal.write_bytes((len(old).to_bytes(4, "little") + old) * 150 + journal.read_bytes())

    def five_more():
        runs = counted(tmp_path, "begun")
        wait_until(lambda: counted(tmp_path, "begun") > runs + 5)
    five_more()
    begun = time.time_ns()
    (tmp_path / "code").write_text("1")
    five_more()
    (tmp_path / "code").write_text("0")
    five_more()
    ended = time.time_ns()
    busybox.start()
    assert health(busybox, "long")["Status"] == "healthy"
    # what was recorded is forgotten, so there is room again
    wait_until(lambda: journal.stat().st_size < 1 << 20)
    wait_until(lambda: any(e["Action"] == "exec_die" and e["timeNano"] > ended for e in events(busybox, "long")))
    told = [e["Action"] for e in events(busybox, "long") if begun < e["timeNano"] < ended]
    assert told == ["health_status: unhealthy", "health_status: healthy"]


def hang_a_check(engine, tmp_path, name, *arguments):
    """A container with a failing streak of 1 whose second check waits now; the pid of its `cat` on the host."""
    os.mkfifo(tmp_path / "gate")
    checked(engine, name, "if [ -e /b/hang ]; then cat /b/gate; echo done >>/b/runs; fi; [ -e /b/once ] || touch /b/once /b/hang; "
            "exit 1", "-v", f"{tmp_path}:/b", "--health-retries", "3", *arguments)
    pids = wait_until(lambda: hanging(engine, name))
    assert health(engine, name)["FailingStreak"] == 1
    return pids


def hanging(engine, name):
    return [line.split()[1] for line in engine.out("top", name).splitlines() if line.endswith("cat /b/gate")]


def test_events_that_are_recorded_are_forgotten(busybox):
    """A shim's journal does not grow for as long as the container lives."""
    checked(busybox, "steady", "true", interval="1ms")
    journal = next((busybox.state / "containers").glob("*/journal"))

    def cut():
        size = journal.stat().st_size
        wait_until(lambda: journal.stat().st_size != size)
        return journal.stat().st_size < size
    for _ in range(3):
        wait_until(cut)
    busybox.out("stop", "steady")
    assert exec_events(busybox, "steady")["exec_start"] > 30


@pytest.mark.parametrize("with_engine", [True, False])
def test_shim_is_killed_during_a_check(busybox, tmp_path, with_engine):
    pids = hang_a_check(busybox, tmp_path, "orphaned")
    assert len(pids) == 1
    before = health(busybox, "orphaned")
    if not with_engine:
        busybox.kill()
    shim = busybox.shims()[0]
    os.kill(shim, signal.SIGKILL)
    if not with_engine:
        busybox.start()
    # the successor ends it and begins the next one, and there is never more than one
    now = wait_until(lambda: (p := hanging(busybox, "orphaned")) and p != pids and p)
    assert len(now) == 1 and busybox.shims() != [shim]
    after = health(busybox, "orphaned")
    assert (after["Status"], after["FailingStreak"], after["Log"]) == (
        before["Status"], before["FailingStreak"], before["Log"])
    (tmp_path / "hang").unlink()
    with open(tmp_path / "gate", "w", encoding="utf-8"):
        pass
    becomes(busybox, "orphaned", "unhealthy")  # by the third failure: that of the one that waited is the second
    assert counted(tmp_path, "done") == 1
    busybox.out("stop", "orphaned")
    told = events(busybox, "orphaned")
    ids = collections.Counter((e["Action"].split(":")[0], e["Actor"]["Attributes"]["execID"])
                              for e in told if e["Action"].startswith("exec_"))
    assert set(ids.values()) == {1}
    assert exec_events(busybox, "orphaned")["exec_start"]
    assert [a for a in actions(busybox, "orphaned") if a.startswith("health")] == ["health_status: unhealthy"]


def test_shims_that_die_again_and_again(busybox, tmp_path):
    """Wherever a shim is killed: each event once, one check at a time, and the status goes on."""
    (tmp_path / "code").write_text("0")
    checked(busybox, "tough", "mkdir /b/only || echo twice >>/b/runs; " + COUNTING.replace("exit", "rmdir /b/only; exit"),
            "-v", f"{tmp_path}:/b", interval="1ms")
    becomes(busybox, "tough", "healthy")
    for _ in range(20):
        shims = busybox.shims()
        os.kill(shims[0], signal.SIGKILL)
        wait_until(lambda: (now := busybox.shims()) and now != shims and not set(now) & set(shims))
        # what a check that was ended left behind
        busybox.out("pause", "tough")
        with contextlib.suppress(FileNotFoundError):
            (tmp_path / "only").rmdir()
        busybox.out("unpause", "tough")
    runs = counted(tmp_path, "begun")
    wait_until(lambda: counted(tmp_path, "begun") > runs + 3)
    assert health(busybox, "tough")["Status"] == "healthy"
    busybox.out("stop", "tough")
    told = events(busybox, "tough")
    assert [e["Action"] for e in told if e["Action"].startswith("health")] == ["health_status: healthy"]
    ids = collections.Counter((e["Action"].split(":")[0], e["Actor"]["Attributes"]["execID"])
                              for e in told if e["Action"].startswith("exec_"))
    assert set(ids.values()) == {1}


def test_a_container_that_ends_during_a_check(busybox, tmp_path):
    pids = hang_a_check(busybox, tmp_path, "ending")
    busybox.out("stop", "ending")
    assert int(pids[0]) not in harness.processes_below("/b/gate")
    (tmp_path / "hang").unlink()
    # the next one may have been about to begin
    assert [a for a in actions(busybox, "ending") if not a.startswith("exec_create")][-3:] == ["exec_die", "die", "stop"]
    busybox.out("start", "ending")
    becomes(busybox, "ending", "unhealthy")
    busybox.out("rm", "-f", "ending")
    busybox.expect_nothing_left()


# ---- the restart policy

def test_restart_when_unhealthy(busybox, tmp_path):
    (tmp_path / "code").write_text("1")
    checked(busybox, "healed", "exit $(cat /b/code)", "-v", f"{tmp_path}:/b", "--health-retries", "2", "--restart", "on-failure:2",
            "--restart-unhealthy", "--restart-delay", "10ms", "--restart-delay-max", "20ms")
    policy = inspect(busybox, "healed")["HostConfig"]["RestartPolicy"]
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 2, "Delay": 10_000_000, "MaxDelay": 20_000_000,
                      "OnUnhealthy": True}
    # ended by a signal it obeys with 0, it has failed all the same: and not more often than the policy says
    wait_until(lambda: inspect(busybox, "healed")["RestartCount"] == 2)
    becomes(busybox, "healed", "unhealthy")
    one = ["start", "health_status: unhealthy", "kill", "die"]
    wait_for_actions(busybox, "healed", one * 2 + one[:2], lambda a: a in ("start", "kill", "die") or a.startswith("health"))
    assert inspect(busybox, "healed")["State"]["Running"]


def test_restart_when_unhealthy_of_one_that_ignores_its_signal(busybox):
    busybox.out("run", "-d", "--name", "stubborn", "--health-cmd", "false", "--health-interval", "20ms", "--health-retries", "1",
                "--restart", "always", "--restart-unhealthy", "--stop-timeout", "1", "busybox", "sh", "-c",
                "trap '' TERM; while :; do sleep 0.05; done")
    wait_until(lambda: inspect(busybox, "stubborn")["RestartCount"] >= 1)
    busybox.out("stop", "stubborn")
    signals = [e["Actor"]["Attributes"]["signal"] for e in events(busybox, "stubborn") if e["Action"] == "kill"]
    assert signals[:2] == ["15", "9"]
    assert inspect(busybox, "stubborn")["State"]["Status"] == "exited"


def test_a_user_stops_an_unhealthy_one_for_good(busybox):
    checked(busybox, "final", "false", "--health-retries", "1", "--restart", "always", "--restart-unhealthy")
    wait_until(lambda: inspect(busybox, "final")["RestartCount"] >= 1)
    busybox.out("stop", "final")
    assert inspect(busybox, "final")["State"]["Status"] == "exited"
    starts = actions(busybox, "final").count("start")
    checked(busybox, "later", "true")
    becomes(busybox, "later", "healthy")
    assert actions(busybox, "final").count("start") == starts


def test_delays_between_restarts(busybox):
    busybox.out("run", "-d", "--name", "failing", "--restart", "always", "--restart-delay", "30ms", "--restart-delay-max",
                "60ms", "busybox", "false")
    wait_until(lambda: inspect(busybox, "failing")["RestartCount"] >= 5)
    busybox.out("stop", "failing")
    told = [(e["Action"], e["timeNano"]) for e in events(busybox, "failing") if e["Action"] in ("start", "die")]
    gaps = [b[1] - a[1] for a, b in zip(told, told[1:]) if (a[0], b[0]) == ("die", "start")]
    assert len(gaps) >= 5 and gaps[0] >= 30e6 and all(gap >= 60e6 for gap in gaps[1:])


# ---- Docker's clients

@pytest.mark.skipif(not shutil.which("docker"), reason="no docker client on this machine")
def test_docker_client(gateway):
    done = gateway.docker("run", "-d", "--name", "dk", "--health-cmd", "echo ok", "--health-interval", "50ms", "--health-timeout",
                          "9m", "--health-retries", "4", "--health-start-period", "1s", "--health-start-interval", "50ms",
                          "busybox", "sleep", "1000")
    assert done.returncode == 0, done.stderr

    def format_of(template):
        return gateway.docker("inspect", "--format", template, "dk").stdout.strip()
    wait_until(lambda: format_of("{{.State.Health.Status}}") == "healthy")
    assert format_of("{{(index .State.Health.Log 0).Output}}") == "ok"
    assert format_of("{{.Config.Healthcheck}}") == "{[CMD-SHELL echo ok] 50ms 9m0s 1s 50ms 4}"
    assert gateway.docker("ps", "--filter", "health=healthy", "--format", "{{.Names}} {{.Status}}").stdout.endswith("(healthy)\n")
    assert gateway.docker("rm", "-f", "dk").returncode == 0
    done = gateway.docker("create", "--health-interval", "1us", "busybox")
    assert done.returncode == 1 and "Interval in Healthcheck cannot be less than 1ms" in done.stderr


@pytest.mark.parametrize("check, text", [
    ({"Test": ["CMD-SHELL", "true"], "Interval": 10}, "Interval in Healthcheck cannot be less than 1ms"),
    ({"Test": ["CMD-SHELL", "true"], "Interval": -10**9}, "Interval in Healthcheck cannot be less than 1ms"),
    ({"Retries": -1}, "Retries in Healthcheck cannot be negative"),
    ({"Test": ["CMD"]}, "without a command"),
    ({"Test": ["SHELL", "true"]}, "Unknown healthcheck type 'SHELL'"),
    ({"Test": 1}, "Test"), ({"Timeout": "1s"}, "Timeout"), ("x", "Healthcheck"), ({"Retries": 2**40}, "Retries"),
])
def test_wrong_requests(gateway, check, text):
    assert text in gateway.json("POST", "/containers/create", {"Image": "busybox", "Healthcheck": check}, 400)["message"]


def test_requests(gateway):
    policy = {"Name": "always", "MaximumRetryCount": 0, "Delay": 5_000_000, "MaxDelay": 7_000_000, "OnUnhealthy": True}
    made = gateway.json("POST", "/containers/create?name=rq", {
        "Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": {"RestartPolicy": policy},
        "Healthcheck": {"Test": ["CMD", "echo", "x"], "Interval": 50_000_000, "Retries": 2}}, 201)
    gateway.ask("POST", f"/containers/{made['Id']}/start")
    state = wait_until(lambda: (s := gateway.json("GET", "/containers/rq/json"))["State"]["Health"]["Status"] == "healthy" and s)
    assert state["State"]["Health"]["Log"][0]["Output"] == "x\n" and state["HostConfig"]["RestartPolicy"] == policy
    assert state["Config"]["Healthcheck"] == {"Test": ["CMD", "echo", "x"], "Interval": 50_000_000, "Retries": 2}
    filters = '{"health":["healthy"]}'
    listed = gateway.json("GET", f"/containers/json?filters={filters}")
    assert [c["Names"] for c in listed] == [["/rq"]] and listed[0]["Status"].endswith("(healthy)")
    gateway.ask("DELETE", "/containers/rq?force=1")


def counted_bytes(folder):
    path = folder / "runs"
    return path.stat().st_size if path.exists() else 0


def test_a_shim_without_checks_has_no_timer(busybox, tmp_path):
    """It sleeps until something happens."""
    busybox.out("run", "-d", "--name", "quiet", "busybox", "sleep", "1000")
    shim = busybox.shims()[0]
    status = pathlib.Path(f"/proc/{shim}/status")

    def switches():
        return next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("voluntary"))
    checked(busybox, "busy", "echo >>/b/runs", "-v", f"{tmp_path}:/b")

    def quiet():
        """While the other container is checked thirty times."""
        first, runs = switches(), counted_bytes(tmp_path)
        wait_until(lambda: counted_bytes(tmp_path) > runs + 30)
        return switches() == first
    wait_until(quiet)
