# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the engine or of a shim at each step of what changes networks: start, connect, disconnect, publish, the end of
a container, its removal and that of a network. The steps are those of api/base/fault.h, of which none can be left out."""
import contextlib
import json
import signal
import sqlite3
import subprocess

import harness
import inventory
import netinventory
import netns
import pytest
import scenarios

RUN = "run", "-d", "--name", "new", "-p", "8080:80", "busybox", "sleep", "1000"


class Scenario:
    """A command and the steps that it takes; what is there before it."""

    def __init__(self, steps, command, *before):
        self.steps, self.command, self.before = steps, command, before


START = ("NET_BRIDGE_MADE", "NET_RULES_MADE", "NET_START_RECORDED", "NET_CABLE_MADE", "NET_START_PLUGGED", "NET_START_PUBLISHED",
         "NET_START_ASKED")
END = "NET_PORTS_WITHDRAWN", "NET_PORTS_FORGOTTEN", "NET_LEASES_GONE"
SCENARIOS = {
    "start": Scenario(START, RUN),
    "connect": Scenario(("NET_CONNECT_RECORDED", "NET_CONNECT_ROUTED", "NET_CONNECTED"),
                        ("network", "connect", "--ip", "10.11.0.9", "aside", "new"), RUN),
    "disconnect": Scenario(("NET_UNPLUGGED", "NET_UNPLUG_ROUTED"), ("network", "disconnect", "bridge", "new"), RUN,
                           ("network", "connect", "aside", "new")),
    "stop": Scenario(END, ("stop", "-t0", "new"), RUN),
    "remove": Scenario((*END, "NET_SHIM_GONE", "NET_CONTAINER_FORGOTTEN"), ("rm", "-f", "new"), RUN),
    "run --rm": Scenario((*START[2:], *END), ("run", "--rm", "--name", "new", "-p", "8080:80", "busybox", "true")),
    "network rm": Scenario(("NET_MARKED", "NET_BRIDGE_GONE", "NET_RULES_GONE"), ("network", "rm", "aside"),
                           ("run", "--rm", "--network", "aside", "busybox", "true")),
}
SHIM_STEPS = {"SHIM_NETNS_TAKEN": RUN, "SHIM_LAUNCHED": RUN, "SHIM_RUNTIME_DONE": RUN, "SHIM_STARTED": RUN,
              "SHIM_NETNS_LEFT": ("stop", "-t0", "new"), "SHIM_END_TOLD": ("stop", "-t0", "new")}
KILLS = [(name, step) for name, s in SCENARIOS.items() for step in s.steps]


@pytest.fixture
def engine(ns):
    with harness.Engine(netns=ns.name) as e:
        e.load_busybox()
        e.out("network", "create", "--subnet", "10.11.0.0/24", "aside")
        yield e


def wait_for_order(engine, ns):
    harness.wait_until(lambda: not netinventory.faults(engine, ns), timeout=60, what=lambda: str(netinventory.faults(engine, ns)))


def prepare(engine, scenario):
    for command in scenario.before:
        engine.out(*command)


def end_of(scenario):
    """The networks of the container `new`, and its ports, once nothing has gone wrong."""
    with netns.Netns() as n, harness.Engine(netns=n.name) as e:
        e.load_busybox()
        e.out("network", "create", "--subnet", "10.11.0.0/24", "aside")
        prepare(e, scenario)
        e.out(*scenario.command)
        wait_for_order(e, n)
        return picture(e)


def picture(engine):
    done = engine.cleat("inspect", "new", check=False)
    told = json.loads(done.stdout)[0] if done.returncode == 0 else None
    return (sorted(engine.out("network", "ls", "--format", "{{.Name}}").split()), told and told["State"]["Status"],
            told and sorted((n, bool(e["IPAddress"])) for n, e in told["NetworkSettings"]["Networks"].items()),
            told and told["NetworkSettings"]["Ports"])


@pytest.fixture(scope="module")
def ends():
    made = {}
    return lambda name: made.setdefault(name, None) or made.update({name: end_of(SCENARIOS[name])}) or made[name]


@contextlib.contextmanager
def armed(engine, step):
    """The engine dies at the step; another one comes behind it."""
    engine.kill()
    engine.start(env={"CLEAT_FAULT": step})
    yield
    assert engine.process.wait(60) == -signal.SIGKILL
    engine.start()


@pytest.mark.parametrize("name,step", KILLS, ids=[f"{n}-{s}" for n, s in KILLS])
def test_engine_killed(engine, ns, ends, name, step):
    """A client whose engine died repeats its call to the next one, and what it asked for is done once."""
    scenario = SCENARIOS[name]
    prepare(engine, scenario)
    with armed(engine, step):
        client = engine.popen(*scenario.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = client.communicate(timeout=60)[1]
    wait_for_order(engine, ns)
    assert client.returncode == 0, said
    # what is to go at its end goes when an engine is there again
    harness.wait_until(lambda: picture(engine) == ends(name), what=lambda: f"{picture(engine)} instead of {ends(name)}")
    wait_for_order(engine, ns)


@pytest.mark.parametrize("name,step", KILLS, ids=[f"{n}-{s}" for n, s in KILLS])
def test_engine_and_client_killed(engine, ns, name, step):
    """Nobody repeats the call: it is as before or as after, and can be asked for again."""
    scenario = SCENARIOS[name]
    prepare(engine, scenario)
    before = picture(engine)
    with armed(engine, step):
        client = engine.popen(*scenario.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_until(lambda: not engine.engine_pids(), what="the end of the engine")
        client.kill()
        client.wait()
    wait_for_order(engine, ns)
    if name in ("start", "run --rm"):
        # it may be made and not started, as Docker's
        engine.cleat("rm", "-f", "new", check=False)
        engine.out(*RUN)
    elif picture(engine) == before:
        engine.out(*scenario.command)
    wait_for_order(engine, ns)
    engine.cleat("rm", "-f", "new", check=False)
    wait_for_order(engine, ns)
    assert not inventory.query(engine, "SELECT * FROM ports") and not [x for x in ns.links() if x.startswith("veth")]


def test_a_repetition_comes_when_the_removal_is_done(engine, ns):
    """The next engine has ended it on its own by then."""
    prepare(engine, SCENARIOS["network rm"])
    engine.kill()
    engine.start(env={"CLEAT_FAULT": "NET_MARKED"})
    with engine.popen("network", "rm", "aside", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as client:
        assert engine.process.wait(60) == -signal.SIGKILL
        client.send_signal(signal.SIGSTOP)
        engine.start()
        wait_for_order(engine, ns)
        client.send_signal(signal.SIGCONT)
        said = client.communicate(timeout=60)[1]
    assert client.returncode == 0, said


def test_a_network_goes_before_a_connection_is_undone(engine, ns):
    """Whoever removes it sees nobody in it: the container has no address yet."""
    engine.out(*RUN)
    engine.out("network", "create", "other")
    gone = engine.out("network", "inspect", "-f", "{{.Id}}", "aside")
    engine.kill()
    engine.start(env={"CLEAT_FAULT": "NAMES_ENDPOINT_ADDED"})
    with engine.popen("network", "connect", "aside", "new", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        assert engine.process.wait(60) == -signal.SIGKILL
        client.kill()
    with contextlib.closing(sqlite3.connect(engine.state / "cleat.db")) as store, store:
        store.execute("DELETE FROM networks WHERE id = ?", (gone,))
    engine.start()
    engine.out("network", "connect", "other", "new")
    wait_for_order(engine, ns)


@pytest.mark.parametrize("step", SHIM_STEPS)
def test_shim_killed(engine, ns, step):
    if SHIM_STEPS[step] != RUN:
        engine.kill()
        engine.start(env={"CLEAT_FAULT": step})
        engine.out(*RUN)
        engine.out(*SHIM_STEPS[step])
        harness.wait_until(lambda: engine.out("inspect", "-f", "{{.State.Status}}", "new") == "exited", what="the end")
    else:
        engine.kill()
        engine.start(env={"CLEAT_FAULT": step})
        engine.cleat(*RUN, check=False)
    engine.kill()
    engine.start()
    wait_for_order(engine, ns)
    engine.cleat("start", "new")
    assert engine.out("exec", "new", "ip", "-4", "route").startswith("default via 172.17.0.1")
    wait_for_order(engine, ns)
    engine.out("rm", "-f", "new")
    wait_for_order(engine, ns)
    assert not [x for x in ns.links() if x.startswith("veth")]


def test_no_step_is_forgotten():
    taken = {step for _, step in KILLS} | set(SHIM_STEPS)
    assert taken == set(scenarios.NET_STEPS)
