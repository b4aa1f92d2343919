# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the engine or of a worker at each step of pull, load, commit, build, rmi, prune and the sweep at an
engine's start. The steps are those of api/base/fault.h, of which none can be left out here."""
import shutil
import signal

import harness
import inventory
import pytest
import scenarios

pytestmark = pytest.mark.layer_drivers

SLACK = 64 << 10  # bytes of a pull besides its layers


@pytest.fixture(scope="module")
def place(layer_driver, tmp_path_factory):  # pylint: disable=unused-argument
    made = scenarios.Place(tmp_path_factory.mktemp("place"))
    yield made
    made.close()


def check(engine, place, name, before):
    """After the fault: what was good is good, and there is nothing but that and what the command makes."""
    scenarios.wait_for_order(engine)
    assert not inventory.damage(engine)
    now, end = inventory.content(engine), place.end_of(name)
    assert before & end <= now <= before | end


def finish(engine, place, name):
    """Again: all that was fetched is not fetched again, and it is as if nothing had happened."""
    kept = sum(inventory.parts(engine).values())
    sent = place.proxy.sent
    done = place.begin(engine, scenarios.SCENARIOS[name])
    said = done.communicate(timeout=60)[1]
    assert done.returncode == 0 or name == "rmi" and "No such image" in said, said
    if name == "pull":
        size = sum(r[0] for r in inventory.query(engine, "SELECT size_bytes FROM blobs WHERE diff_id <> '' AND digest IN "
                                                 "(SELECT digest FROM blob_sources)"))
        assert place.proxy.sent - sent <= max(size - kept, 0) + SLACK
    if name == "commit":
        engine.out("image", "prune", "-f")  # each makes an image, of which the last one has the name
    scenarios.wait_for_order(engine)
    assert inventory.content(engine) == place.end_of(name)
    assert not inventory.damage(engine)
    assert engine.out("run", "--rm", "busybox", "echo", "good") == "good"


def restart(engine, **environment):
    engine.kill()
    engine.start(env=environment)


def killed(engine, process):
    """Its client may end before, where the step is behind the answer, or never."""
    harness.wait_until(lambda: engine.process.poll() or process.poll() is not None, what="an end")
    assert engine.process.wait(60) == -signal.SIGKILL
    process.kill()
    process.communicate()


ENGINE_KILLS = [(n, step, f"{step}:{t}" if t > 1 else step) for n, s in scenarios.SCENARIOS.items()
                for step in sorted({*s.taken("erofs"), *s.taken("dir")}, key=scenarios.STEPS.index)
                for t in ((1, 2) if step in s.again else (1,))]
WORKER_KILLS = [(n, step) for n, s in scenarios.SCENARIOS.items() for step in s.workers]


@pytest.mark.parametrize("name,step,switch", ENGINE_KILLS, ids=[f"{n}-{w}" for n, _, w in ENGINE_KILLS])
def test_engine_killed(place, layer_driver, name, step, switch):
    scenario = scenarios.SCENARIOS[name]
    if step not in scenario.taken(layer_driver):
        pytest.skip(f"not with {layer_driver}")
    with place.engine(scenario) as e:
        before = inventory.content(e)
        restart(e, CLEAT_FAULT=switch)
        killed(e, place.begin(e, scenario))
        e.start()
        check(e, place, name, before)
        finish(e, place, name)


@pytest.mark.parametrize("name,step", WORKER_KILLS, ids=[f"{n}-{s}" for n, s in WORKER_KILLS])
def test_worker_killed(place, layer_driver, name, step):
    scenario = scenarios.SCENARIOS[name]
    if step not in scenario.taken_by_workers(layer_driver):
        pytest.skip(f"not with {layer_driver}")
    with place.engine(scenario) as e:
        before = inventory.content(e)
        restart(e, CLEAT_FAULT=step)
        process = place.begin(e, scenario)
        assert "cleat-worker died" in process.communicate(timeout=60)[1]
        assert process.returncode == 1
        check(e, place, name, before)
        restart(e)
        finish(e, place, name)


@pytest.mark.parametrize("step", scenarios.SWEEPS)
def test_engine_killed_while_it_sweeps(place, step):
    """What a build that was killed has left, and a blob and a layer of the same kind that nobody knows."""
    with place.engine(scenarios.BUILD) as e:
        before = inventory.content(e)
        restart(e, CLEAT_FAULT="BUILD_CACHE_RECORDED:2")
        killed(e, place.begin(e, scenarios.BUILD))
        known = next((e.state / "layers").iterdir())
        shutil.copytree(known, known.with_name("1" * 64), symlinks=True)
        (e.state / "blobs/sha256" / ("2" * 64)).write_text("x")
        assert inventory.faults(e)
        e.spawn(env={"CLEAT_FAULT": step})
        assert e.process.wait(60) == -signal.SIGKILL
        e.start()
        check(e, place, "build", before)
        finish(e, place, "build")


def test_no_step_is_forgotten():
    taken = {step for s in scenarios.SCENARIOS.values() for d in scenarios.DRIVERS for step in s.taken(d) + s.taken_by_workers(d)}
    assert taken | set(scenarios.SWEEPS) == set(scenarios.STEPS)
