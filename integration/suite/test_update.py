# SPDX-License-Identifier: Apache-2.0
"""`update`: limits and restart policy of containers that run and that do not, and what is left of one that fails."""
import json
import os
import shutil
import signal
import subprocess

import pytest

import cgroups
import harness
import scenarios

MB = 1 << 20
RUNC = shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin:/bin")
FLAGS = {
    "memory": (("-m", "64m", "--memory-swap", "128m"), 64 * MB, ("-m", "256m", "--memory-swap", "-1"), 256 * MB),
    "swap": (("-m", "64m", "--memory-swap", "96m"), 96 * MB, ("--memory-swap", "128m"), 128 * MB),
    "reservation": (("--memory-reservation", "32m"), 32 * MB, ("--memory-reservation", "16m"), 16 * MB),
    "pids": (("--pids-limit", "20"), 20, ("--pids-limit", "-1"), cgroups.UNLIMITED),
    "shares": (("--cpu-shares", "512"), 59 if cgroups.V2 else 512, ("-c", "2048"), 174 if cgroups.V2 else 2048),
    "quota": (("--cpus", "0.5"), 50000, ("--cpus", "1.5"), 150000),
    "period": (("--cpu-period", "50000", "--cpu-quota", "20000"), 50000, ("--cpu-period", "20000"), 20000),
    "cpus": ((), None, ("--cpuset-cpus", "0"), "0"),
    "mems": (("--cpuset-cpus", "0"), None, ("--cpuset-mems", "0"), "0"),
}


def sleep(engine, name, *flags):
    engine.out("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def bundle(engine, name):
    """What its next start reads."""
    path = engine.state / "containers" / inspect(engine, name)["Id"] / "config.json"
    return json.loads(path.read_text())["linux"]["resources"]


def marks(engine):
    return list(engine.state.glob("containers/*/update"))


@pytest.mark.parametrize("limit", FLAGS)
def test_a_limit_of_a_running_container(busybox, limit):
    """At once, over a restart of the container, and over one of the engine; its process is the same."""
    before, was, after, now = FLAGS[limit]
    sleep(busybox, "one", *before)
    pid = inspect(busybox, "one")["State"]["Pid"]
    if was is not None:
        assert cgroups.read(busybox, "one", limit) == was
    assert busybox.out("update", *after, "one") == "one"
    assert cgroups.read(busybox, "one", limit) == now
    assert inspect(busybox, "one")["State"]["Pid"] == pid
    busybox.kill()
    busybox.start()
    assert cgroups.read(busybox, "one", limit) == now
    busybox.out("restart", "-t", "0", "one")
    assert cgroups.read(busybox, "one", limit) == now


@pytest.mark.parametrize("limit", FLAGS)
def test_a_limit_of_a_container_that_does_not_run(busybox, limit):
    before, _, after, now = FLAGS[limit]
    busybox.out("create", "--name", "one", *before, "busybox", "sleep", "1000")
    busybox.out("update", *after, "one")
    busybox.out("start", "one")
    assert cgroups.read(busybox, "one", limit) == now


def test_all_processes_enter_a_cpuset_that_is_new(busybox):
    def pids_of(programs):
        lines = busybox.out("top", "one").splitlines()[1:]
        return len(lines) == programs and all("sleep 1000" in line for line in lines) and [line.split()[1] for line in lines]

    busybox.out("run", "-d", "--name", "one", "busybox", "sh", "-c", "sleep 1000 & exec sleep 1000")
    harness.wait_until(lambda: pids_of(2), what="both processes")
    busybox.out("update", "--cpuset-cpus", "0", "one")
    busybox.out("exec", "-d", "one", "sleep", "1000")
    pids = harness.wait_until(lambda: pids_of(3), what="the third process")
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            assert "Cpus_allowed_list:\t0\n" in status.read()


def test_inspect_and_what_is_not_named_stays(busybox):
    sleep(busybox, "one", "-m", "64m", "--cpu-shares", "512", "--device", "/dev/null:/dev/nothing")
    before = bundle(busybox, "one")
    busybox.out("update", "--pids-limit", "30", "one")
    host = inspect(busybox, "one")["HostConfig"]
    assert (host["Memory"], host["CpuShares"], host["PidsLimit"]) == (64 * MB, 512, 30)
    assert bundle(busybox, "one") == {**before, "pids": {"limit": 30}}
    assert cgroups.read(busybox, "one", "memory") == 64 * MB


def test_several_containers_and_the_event(busybox):
    sleep(busybox, "one")
    sleep(busybox, "two")
    assert busybox.out("update", "--pids-limit", "30", "one", "two") == "one\ntwo"
    events = busybox.out("events", "--since", "1h", "--until", "0s", "--filter", "event=update", "--format",
                         "{{.Actor.Attributes.name}}")
    assert events.splitlines() == ["one", "two"]
    done = busybox.cleat("update", "--pids-limit", "31", "none-such", "two", check=False)
    assert done.returncode == 1 and "No such container: none-such" in done.stderr and done.stdout == "two\n"


@pytest.mark.parametrize("flags, words", [
    (("-m", "4m"), "Minimum memory limit allowed is 6MB"),
    (("-m", "256m"), "already set memoryswap limit"),
    (("--memory-swap", "32m"), "Minimum memoryswap limit should be larger than memory limit"),
    (("--cpu-quota", "20000"), "NanoCPUs has already been set"),
    (("--cpuset-cpus", "4000"), "4000"),
    (("--cpuset-mems", "900"), "900"),
    (("--pids-limit", "20", "--cpuset-cpus", "none"), "none"),
    (("--pids-limit", "4194305"), "the limit of processes"),
    (("--restart", "sometimes"), "sometimes"),
    ((), "one or more flags"),
])
def test_a_bad_update_changes_nothing(busybox, flags, words):
    sleep(busybox, "one", "-m", "64m", "--memory-swap", "96m", "--cpus", "0.5", "--pids-limit", "10")
    before, host = bundle(busybox, "one"), inspect(busybox, "one")["HostConfig"]
    done = busybox.cleat("update", *flags, "one", check=False)
    assert done.returncode == 1 and words in done.stderr, done
    assert bundle(busybox, "one") == before and inspect(busybox, "one")["HostConfig"] == host
    assert cgroups.read(busybox, "one", "pids") == 10
    assert cgroups.read(busybox, "one", "memory") == 64 * MB
    assert cgroups.read(busybox, "one", "swap") == 96 * MB
    assert not marks(busybox)


@pytest.mark.unsanitized(reason="limits of memory")
def test_less_memory_than_is_used_is_refused_wholly(busybox):
    """Nothing is killed, and the limits that the kernel took already are taken back."""
    busybox.out("run", "-d", "--name", "one", "--tmpfs", "/m", "--pids-limit", "20", "busybox", "sh", "-c",
                "dd if=/dev/zero of=/m/f bs=1M count=40 2>/dev/null; echo full; exec sleep 1000")
    busybox.wait_for_log("one", "full")
    done = busybox.cleat("update", "-m", "16m", "--memory-swap", "16m", "--pids-limit", "30", "--cpu-shares", "512",
                         "one", check=False)
    assert done.returncode == 1 and "uses more memory than 16777216 bytes" in done.stderr
    assert cgroups.read(busybox, "one", "memory") == cgroups.UNLIMITED
    assert cgroups.read(busybox, "one", "swap") == cgroups.UNLIMITED
    assert cgroups.read(busybox, "one", "pids") == 20
    assert cgroups.read(busybox, "one", "shares") == (100 if cgroups.V2 else 1024)
    assert inspect(busybox, "one")["State"]["Running"]
    assert inspect(busybox, "one")["HostConfig"]["Memory"] == 0
    assert not marks(busybox)


@pytest.mark.skipif(not RUNC, reason="needs a runtime that takes its time")
def test_a_container_that_is_being_started(busybox, tmp_path):
    """By its policy, with the limits of before: it runs with those of now, which hold when the call returns."""
    gate, arrived, slow = tmp_path / "gate", tmp_path / "arrived", tmp_path / "slow"
    slow.write_text(f"""#!/bin/sh
for word in "$@"; do [ "$word" != create ] || [ ! -e {gate} ] || {{ : >{arrived}; read line <{gate}; }}; done
exec {RUNC} "$@"
""")
    slow.chmod(0o755)
    busybox.out("run", "-d", "--name", "one", "--runtime", slow, "--restart", "always", "--pids-limit", "20", "busybox", "sleep",
                "1000")
    os.mkfifo(gate)
    os.kill(inspect(busybox, "one")["State"]["Pid"], signal.SIGKILL)
    harness.wait_until(arrived.exists, what="the runtime")
    with busybox.popen("update", "--pids-limit", "30", "one", stdout=subprocess.DEVNULL) as update:
        with gate.open("w", encoding="utf-8") as go:
            go.write("go\n")
            gate.unlink()
        assert update.wait(60) == 0
        assert cgroups.read(busybox, "one", "pids") == 30


@pytest.mark.parametrize("step", scenarios.UPDATES)
def test_engine_killed_in_an_update(busybox, step):
    """Afterwards record, kernel and bundle say the same, and it can be done again."""
    sleep(busybox, "one", "--pids-limit", "20")
    busybox.kill()
    busybox.start(env={"CLEAT_FAULT": step})
    with busybox.popen("update", "--pids-limit", "30", "-m", "64m", "one", stderr=subprocess.DEVNULL) as update:
        assert busybox.process.wait(60) == -signal.SIGKILL
        update.kill()
    busybox.start()
    harness.wait_until(lambda: not marks(busybox), what="end of the update")
    host = inspect(busybox, "one")["HostConfig"]
    assert (host["PidsLimit"], host["Memory"]) == ((30, 64 * MB) if step == "UPDATE_RECORDED" else (20, 0))
    assert cgroups.read(busybox, "one", "pids") == host["PidsLimit"]
    assert cgroups.read(busybox, "one", "memory") == (host["Memory"] or cgroups.UNLIMITED)
    assert bundle(busybox, "one")["pids"]["limit"] == host["PidsLimit"]
    busybox.out("update", "--pids-limit", "40", "one")
    assert cgroups.read(busybox, "one", "pids") == 40


def test_a_client_repeats_what_was_cut_off(busybox):
    sleep(busybox, "one")
    busybox.kill()
    busybox.start(env={"CLEAT_FAULT": "UPDATE_LIMITS_WRITTEN"})
    with busybox.popen("update", "--pids-limit", "30", "one", stdout=subprocess.PIPE, text=True) as update:
        assert busybox.process.wait(60) == -signal.SIGKILL
        busybox.start()
        assert update.communicate(timeout=60)[0] == "one\n" and update.returncode == 0
    assert cgroups.read(busybox, "one", "pids") == 30


def test_restart_policy_of_a_running_container(busybox):
    busybox.out("run", "-d", "--name", "one", "busybox", "sleep", "1000")
    assert busybox.out("update", "--restart", "on-failure:5", "one") == "one"
    policy = inspect(busybox, "one")["HostConfig"]["RestartPolicy"]
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 5}
    os.kill(inspect(busybox, "one")["State"]["Pid"], signal.SIGKILL)
    harness.wait_until(lambda: inspect(busybox, "one")["RestartCount"] >= 1, what="a restart")
    busybox.out("update", "--restart", "no", "one")
    assert inspect(busybox, "one")["HostConfig"]["RestartPolicy"]["Name"] == "no"


def test_restart_policy_over_shims_and_engines(busybox):
    busybox.out("create", "--name", "one", "busybox", "sh", "-c", "sleep 0.1; exit 3")
    busybox.out("update", "--restart", "on-failure:2", "one")
    busybox.kill()
    busybox.start()
    busybox.out("start", "one")
    assert busybox.out("wait", "one") == "3"
    assert inspect(busybox, "one")["RestartCount"] == 2


def test_no_policy_for_what_goes_at_its_end(busybox):
    busybox.out("run", "-d", "--rm", "--name", "one", "busybox", "sleep", "1000")
    done = busybox.cleat("update", "--restart", "always", "one", check=False)
    assert done.returncode == 1 and "AutoRemove is enabled" in done.stderr


def test_docker_and_its_client(gateway):
    done = gateway.docker("run", "-d", "--name", "one", "-m", "64m", "busybox", "sleep", "1000")
    assert done.returncode == 0, done
    assert gateway.json("POST", "/containers/one/update", {"PidsLimit": 30, "CpuShares": 512}) == {"Warnings": []}
    assert cgroups.read(gateway.engine, "one", "pids") == 30
    gateway.json("POST", "/containers/one/update", {"PidsLimit": 0})
    assert cgroups.read(gateway.engine, "one", "pids") == cgroups.UNLIMITED
    reply = gateway.json("POST", "/containers/one/update", {"Memory": 1}, status=400)
    assert reply["message"] == "Minimum memory limit allowed is 6MB"
    done = gateway.docker("update", "--memory", "128m", "--memory-swap", "256m", "--restart", "unless-stopped", "one")
    assert (done.returncode, done.stdout) == (0, "one\n"), done
    host = json.loads(gateway.docker("inspect", "one").stdout)[0]["HostConfig"]
    assert host["Memory"] == 128 * MB and host["MemorySwap"] == 256 * MB
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert cgroups.read(gateway.engine, "one", "memory") == 128 * MB
    gateway.json("POST", "/containers/none-such/update", {"PidsLimit": 30}, status=404)
    gateway.docker("rm", "-f", "one")
