# SPDX-License-Identifier: Apache-2.0
"""Containers in the pid and IPC namespaces of other containers."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal

import harness
import pytest

# Each start of the one has a name, which it tells by a line of a file of the host's and keeps in its environment. The other
# tells the name that it finds in the first process it sees.
LEAD = "read NAME < /proc/sys/kernel/random/uuid; echo $NAME >> /out/one; export NAME; exec sleep 1000"
FOLLOW = """until NAME=$(tr '\\0' '\\n' < /proc/1/environ | grep ^NAME=); do usleep 10000; done
echo ${NAME#*=} >> /out/two; exec sleep 1000"""


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def state(engine, name):
    return inspect(engine, name)["State"]


def sleeper(engine, name, *flags):
    return engine.out("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")


def teller(engine, out, name, *flags):
    return engine.out("run", "-d", "--name", name, "-v", f"{out}:/out", *flags, "busybox", "sh", "-c",
                      LEAD if name == "one" else FOLLOW)


def told(out, name):
    try:
        return (out / name).read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []


def refused(engine, *words):
    done = engine.cleat(*words, check=False)
    assert done.returncode in (1, 125), done
    return done.stderr


def shim_of(engine, name):
    shim, = engine.shims(inspect(engine, name)["Id"])
    return shim


def space_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


@pytest.fixture
def pair(busybox, tmp_path):
    """`one`, and `two` in its pid namespace, which are started again whenever they end."""
    teller(busybox, tmp_path, "one", "--restart", "always")
    teller(busybox, tmp_path, "two", "--restart", "always", "--pid", "container:one")
    together(tmp_path, 1)
    return tmp_path


def together(out, starts):
    """Both have been started so often, and are where the other one is."""
    harness.wait_until(lambda: len(told(out, "one")) >= starts and told(out, "two")[-1:] == told(out, "one")[-1:],
                       what="both to run together")


def are_seen_together(engine, *ended):
    """As the engine tells it, which it may a moment after the containers themselves: of none of the pids that ended."""
    one, two = (state(engine, name)["Pid"] for name in ("one", "two"))
    return not {one, two} & {0, *ended} and space_of(one) == space_of(two) is not None


def wait_to_see_together(engine, *ended):
    harness.wait_until(lambda: are_seen_together(engine, *ended), what="both to run together")


def test_processes_of_another_container(busybox):
    ident = sleeper(busybox, "one")
    join = ("--pid", "container:one")
    assert "sleep" in busybox.out("run", "--rm", *join, "busybox", "cat", "/proc/1/cmdline")
    own = busybox.out("exec", "one", "readlink", "/proc/self/ns/pid")
    assert busybox.out("run", "--rm", *join, "busybox", "readlink", "/proc/self/ns/pid") == own
    busybox.out("create", "--name", "two", *join, "busybox", "sleep", "1000")
    assert inspect(busybox, "two")["HostConfig"]["PidMode"] == f"container:{ident}"
    busybox.out("rename", "one", "first")
    sleeper(busybox, "one")
    busybox.out("start", "two")
    assert busybox.out("exec", "two", "readlink", "/proc/self/ns/pid") == own
    # its own orphans end with it, and nobody else
    busybox.out("run", "--rm", *join[:1], "container:first", "busybox", "sh", "-c", "sleep 2000 & true")
    assert "2000" not in busybox.out("exec", "first", "ps")
    assert busybox.out("exec", "two", "echo", "there") == "there"
    busybox.out("rm", "-f", "one", "first", "two")
    busybox.expect_nothing_left()


def test_the_joined_begins_again_whatever_its_layers(busybox, tmp_path):
    """The runtime gets a descriptor of each layer and each namespace, and is itself run by one."""
    (tmp_path / "Dockerfile").write_text("FROM busybox\n" + "".join(f"COPY Dockerfile /{i}\n" for i in range(16)))
    busybox.out("build", "-t", "layers", str(tmp_path))
    sleeper(busybox, "one", "--ipc", "shareable")
    busybox.out("run", "-d", "--name", "two", "--pid", "container:one", "--ipc", "container:one", "layers", "sleep", "1000")
    for _ in range(3):
        busybox.out("restart", "-t", "0", "two")
    busybox.out("update", "--restart", "always", "two")
    for count in range(1, 4):
        os.kill(state(busybox, "two")["Pid"], signal.SIGKILL)
        harness.wait_until(lambda n=count: inspect(busybox, "two")["RestartCount"] == n or state(busybox, "two")["Error"],
                           what="the restart")
        assert state(busybox, "two")["Error"] == ""
        harness.wait_until(lambda: state(busybox, "two")["Running"], what="it to run")


def test_commands_on_one_that_joined(busybox):
    sleeper(busybox, "one")
    before = busybox.out("top", "one", "-o", "pid,args")
    for end in (("stop", "-t", "60"), ("kill",), ("rm", "-f")):
        busybox.out("run", "-d", "--name", "two", "--pid", "container:one", "--init", "busybox", "sh", "-c",
                    "trap 'exit 7' TERM; sleep 3000 & while :; do wait; done")
        session = busybox.popen("exec", "two", "sleep", "4000")
        for command in ("sleep 3000", "sleep 4000"):  # once it has the former, it has set its trap
            harness.wait_until(lambda c=command: c in [line.split(None, 1)[1] for line in
                                                       busybox.out("top", "two", "-o", "pid,args").splitlines()], what=command)
        busybox.out("pause", "two")
        busybox.out("unpause", "two")
        busybox.out(*end, "two")
        assert session.wait(60) == 137
        assert end[0] == "rm" or state(busybox, "two")["ExitCode"] == {"stop": 7, "kill": 137}[end[0]]
        # what is killed takes a moment to go
        harness.wait_until(lambda: not {"3000", "4000"} & set(busybox.out("exec", "one", "ps").split()), what="the end of all")
        busybox.cleat("rm", "two", check=False)
    assert busybox.out("top", "one", "-o", "pid,args") == before
    busybox.out("rm", "-f", "one")
    busybox.expect_nothing_left()


def test_shared_memory_of_another_container(busybox):
    ident = sleeper(busybox, "one", "--ipc", "shareable", "--shm-size", "1m")
    join = ("--ipc", "container:one")
    busybox.out("exec", "one", "sh", "-c", "echo first > /dev/shm/a")
    sleeper(busybox, "two", *join)
    assert busybox.out("exec", "two", "cat", "/dev/shm/a") == "first"
    busybox.out("exec", "two", "sh", "-c", "echo second > /dev/shm/a")
    assert busybox.out("exec", "one", "cat", "/dev/shm/a") == "second"
    assert inspect(busybox, "two")["HostConfig"]["IpcMode"] == f"container:{ident}"
    own = busybox.out("exec", "one", "readlink", "/proc/self/ns/ipc")
    chain = ("run", "--rm", "--ipc", "container:two", "--pid", "container:one", "--network", "container:one", "busybox")
    assert busybox.out(*chain, "readlink", "/proc/self/ns/ipc") == own
    assert busybox.out(*chain, "cat", "/dev/shm/a") == "second"
    assert busybox.out(*chain, "stat", "-f", "-c", "%b", "/dev/shm") == "256"
    # a mount of its own goes before
    assert busybox.out("run", "--rm", *join, "--tmpfs", "/dev/shm", "busybox", "ls", "/dev/shm") == ""
    busybox.out("rm", "-f", "one", "two")
    busybox.expect_nothing_left()


def test_shared_memory_of_the_host_by_another_container(busybox):
    sleeper(busybox, "one", "--ipc", "host")
    link = busybox.out("run", "--rm", "--ipc", "container:one", "busybox", "readlink", "/proc/self/ns/ipc")
    assert link == os.readlink("/proc/self/ns/ipc")


@pytest.mark.parametrize("mode", ["", "private", "none"])
def test_what_is_not_shareable_is_not_joined(busybox, mode):
    ident = sleeper(busybox, "one", *(("--ipc", mode) if mode else ()))
    words = refused(busybox, "run", "--name", "two", "--ipc", "container:one", "busybox")
    assert f"can't join IPC of container {ident}: non-shareable IPC" in words
    assert state(busybox, "two")["Status"] == "created"
    assert busybox.out("run", "--rm", "--pid", "container:one", "busybox", "echo", "pid") == "pid"


@pytest.mark.parametrize("kind", ["pid", "ipc"])
def test_one_that_cannot_be_joined(busybox, kind):
    mode = f"--{kind}"
    assert "No such container: nobody" in refused(busybox, "create", mode, "container:nobody", "busybox")
    assert f"invalid {kind} mode: container:" in refused(busybox, "create", mode, "container:", "busybox")
    assert busybox.out("ps", "-aq") == ""
    ident = busybox.out("create", "--name", "one", "--ipc", "shareable", "busybox", "sleep", "1000")
    words = refused(busybox, "run", "--name", "two", mode, "container:one", "busybox")
    assert f"cannot join {kind.upper()} of a non running container: {ident}" in words
    busybox.out("start", "one")
    assert busybox.out("start", "-a", "two") == ""
    busybox.out("update", "--restart", "always", "one")
    busybox.out("rm", "-f", "one")
    assert f"No such container: {ident}" in refused(busybox, "start", "two")


@pytest.mark.parametrize("mode", ["--uts", "--cgroupns", "--userns"])
def test_namespaces_that_are_not_shared(busybox, mode):
    sleeper(busybox, "one")
    refused(busybox, "create", mode, "container:one", "busybox")


def test_the_other_one_ends(busybox):
    """With the namespace the kernel ends who is in it."""
    sleeper(busybox, "one")
    sleeper(busybox, "two", "--pid", "container:one")
    sleeper(busybox, "three", "--pid", "container:two")
    busybox.out("stop", "-t", "0", "one")
    for name in ("two", "three"):
        assert busybox.out("wait", name) == "137"
        assert state(busybox, name)["Status"] == "exited" and not state(busybox, name)["OOMKilled"]
    busybox.out("start", "one")
    busybox.out("start", "two")
    assert state(busybox, "two")["Running"] and state(busybox, "two")["ExitCode"] == 0
    busybox.out("rm", "-f", "one", "two", "three")
    busybox.expect_nothing_left()


def test_started_again_where_the_other_one_is_now(busybox, pair):
    """With the engine away: each start of the other one is another namespace."""
    for starts in range(2, 5):
        pid = state(busybox, "one")["Pid"]
        busybox.kill()
        os.kill(pid, signal.SIGKILL)
        together(pair, starts)
        busybox.start()
        wait_to_see_together(busybox, pid)
    assert told(pair, "one")[-1] in busybox.out("exec", "two", "cat", "/proc/1/environ")
    assert inspect(busybox, "two")["RestartCount"] == 3

    def ends():
        return busybox.out("events", "--since", "0", "--until", "0s", "--filter", "event=die", "--filter", "container=two",
                           "--format", "{{.Actor.Attributes.exitCode}}").split()
    harness.wait_until(lambda: ends() == ["137"] * 3, what=lambda: f"three ends: {ends()}")


def test_ends_again_and_again(busybox, pair):
    """Whatever the one is at when the other ends, they find together."""
    random.seed(5)
    killed = set()
    while len(killed) < 6:
        pid = state(busybox, "one" if random.random() < 0.8 else "two")["Pid"]
        if pid and pid not in killed:
            with contextlib.suppress(ProcessLookupError):  # it may have ended with the other one, which nobody has told yet
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
    wait_to_see_together(busybox, *killed)
    # the one has its name in the environment when it has executed its last program
    harness.wait_until(lambda: told(pair, "one")[-1] in busybox.out("exec", "two", "cat", "/proc/1/environ"), what="the name")


def test_waits_for_one_that_was_stopped(busybox, pair):
    busybox.out("stop", "-t", "0", "one")
    harness.wait_until(lambda: "non running container" in state(busybox, "two")["Error"], what="a start that is put off")
    assert state(busybox, "two")["Status"] == "restarting" and state(busybox, "two")["ExitCode"] == 137
    assert "non running container" in refused(busybox, "start", "two")
    busybox.out("start", "one")
    together(pair, 2)
    busybox.out("stop", "-t", "0", "one")
    harness.wait_until(lambda: "non running container" in state(busybox, "two")["Error"], what="a start that is put off")
    busybox.out("stop", "two")
    assert state(busybox, "two")["Status"] == "exited" and state(busybox, "two")["ExitCode"] == 137
    assert inspect(busybox, "two")["RestartCount"] == 1


def test_waits_no_longer_than_there_is_one(busybox, pair):
    ident = inspect(busybox, "one")["Id"]
    busybox.out("rm", "-f", "one")
    assert busybox.out("wait", "two")
    assert state(busybox, "two")["Status"] == "exited"
    assert f"No such container: {ident}" in state(busybox, "two")["Error"]
    busybox.out("rm", "two")
    assert told(pair, "two")
    busybox.expect_nothing_left()


def test_a_policy_that_gives_up_does_not_wait(busybox, tmp_path):
    teller(busybox, tmp_path, "one")
    teller(busybox, tmp_path, "two", "--restart", "on-failure:1", "--pid", "container:one")
    together(tmp_path, 1)
    busybox.out("stop", "-t", "0", "one")
    harness.wait_until(lambda: "non running container" in state(busybox, "two")["Error"], what="a start that is put off")
    assert inspect(busybox, "two")["RestartCount"] == 0
    busybox.out("start", "one")
    together(tmp_path, 2)
    wait_to_see_together(busybox)
    assert inspect(busybox, "two")["RestartCount"] == 1
    busybox.out("stop", "-t", "0", "one")
    assert busybox.out("wait", "two") == "137"


@pytest.mark.parametrize("killed", ["one", "two", "both"])
def test_shims_killed(busybox, pair, killed):
    """Engine and shims are gone when the other one ends; those that follow find what there is."""
    shims = [shim_of(busybox, name) for name in ("one", "two") if killed in (name, "both")]
    pid = state(busybox, "one")["Pid"]
    busybox.kill()
    for shim in shims:
        os.kill(shim, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    harness.wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="the end")
    busybox.start()
    together(pair, 2)
    wait_to_see_together(busybox, pid)
    assert told(pair, "one")[-1] in busybox.out("exec", "two", "cat", "/proc/1/environ")
    busybox.out("rm", "-f", "two", "one")
    busybox.expect_nothing_left()


@pytest.mark.parametrize("engine_is", ["killed", "stopped"])
def test_an_end_that_no_shim_saw(busybox, engine_is):
    """An engine keeps what tells how a process ended."""
    sleeper(busybox, "one")
    sleeper(busybox, "two", "--pid", "container:one")
    pids = [state(busybox, name)["Pid"] for name in ("two", "one")]
    shims = busybox.shims()
    if engine_is == "stopped":
        os.kill(busybox.process.pid, signal.SIGSTOP)
    else:
        busybox.kill()
    for pid in (*shims, pids[1]):
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        harness.wait_until(lambda pid=pid: not pathlib.Path(f"/proc/{pid}").exists(), what="the end")
    if engine_is == "stopped":
        os.kill(busybox.process.pid, signal.SIGCONT)
    else:
        busybox.start()
    for name in ("one", "two"):
        code = int(busybox.out("wait", name))
        assert code in harness.codes_of_an_orphan(137) or (engine_is == "killed" and code == 255)
        assert state(busybox, name)["Status"] == "exited"
    busybox.out("rm", "one", "two")
    busybox.expect_nothing_left()


def test_the_host_was_started_again(busybox, tmp_path):
    """Containers come back behind those that they need, however many hops away."""
    restart = ("--restart", "always")
    names = [f"c{number}" for number in range(7)]
    sleeper(busybox, names[0], *restart, "--ipc", "shareable")
    for before, name, kind in zip(names, names[1:], ["pid", "ipc", "network"] * 2):
        sleeper(busybox, name, *restart, *(("--ipc", "shareable") if kind != "ipc" else ()), f"--{kind}",
                f"container:{before}")
    pids = [state(busybox, name)["Pid"] for name in names]
    shims = busybox.shims()
    busybox.kill()
    for pid in (*shims, *reversed(pids)):  # the first process of a namespace takes the others with it
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        harness.wait_until(lambda pid=pid: not pathlib.Path(f"/proc/{pid}").exists(), what="the end")
    shutil.rmtree(busybox.run)
    boot = tmp_path / "boot_id"
    boot.write_text("11111111-2222-3333-4444-555555555555\n")
    busybox.inside = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"', boot)
    busybox.start()
    for name in names:
        harness.wait_until(lambda name=name: state(busybox, name)["Running"], what=f"{name} to run")


TRACE = """while [ ! -e /out/enough ]; do
    for p in /proc/[0-9]*; do
        [ $p = /proc/1 ] || for way in $p/root $p/cwd; do [ ! -e $way@HOSTS@ ] || cat $way@HOSTS@ >> /out/found; done
    done
done 2>/dev/null"""


def test_one_that_traces_finds_nothing_of_the_hosts_in_those_that_join(busybox, tmp_path):
    out, canary = tmp_path / "out", tmp_path / "canary"
    out.mkdir()
    canary.write_text("canary\n")
    busybox.out("run", "-d", "--name", "spy", "--cap-add", "SYS_PTRACE", "--ipc", "shareable", "-v", f"{out}:/out", "busybox",
                "sh", "-c", TRACE.replace("@HOSTS@", str(canary)))
    for flags in ((), ("--init",), ("--ipc", "container:spy", "--network", "container:spy"), ("--cap-add", "SYS_PTRACE")):
        for _ in range(5):
            assert busybox.out("run", "--rm", "--pid", "container:spy", *flags, "busybox", "echo", "there") == "there"
    for _ in range(5):
        assert busybox.out("exec", "spy", "echo", "there") == "there"
    (out / "enough").touch()
    assert busybox.out("wait", "spy") == "0"
    assert not (out / "found").exists()
