# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the engine or of a worker at each step of pull, load, commit, build, rmi, prune and the sweep at an
engine's start. The steps are those of api/base/fault.h, of which none can be left out here."""
import contextlib
import re
import shutil
import signal
import subprocess
import tarfile

import harness
import image
import inventory
import pytest
import registries
import tcpproxy

pytestmark = pytest.mark.layer_drivers

DRIVERS = "erofs", "dir"
STEPS = re.findall(r"\bX\((\w+)\)", (harness.TOP / "api/base/fault.h").read_text().split("FAULT_POINTS(X)", 1)[1])
MTIME = 1700000000
SLACK = 64 << 10  # bytes of a pull besides its layers


class Scenario:
    """One command, what is there before it, and the steps it takes: in processes other than workers, and in
    those. Steps of `again` are taken more than once: the engine is killed the second time too."""
    steps = workers = again = erofs = dir = ()

    def prepare(self, engine, place):
        """What is good before, and is to be after. `place`: see the fixture."""

    def command(self, place):
        """(arguments, path of its standard input or None)"""
        raise NotImplementedError

    def taken(self, driver):
        return self.under(driver, [s for s in STEPS if s.startswith(self.steps)])

    def taken_by_workers(self, driver):
        return self.under(driver, self.workers)

    def under(self, driver, steps):
        return [s for s in steps if s not in (self.dir if driver == "erofs" else self.erofs)]


LAYER_WORKER = ("WORKER_LAYER_BEGUN", "WORKER_LAYER_GREW", "WORKER_TAR_WRITTEN", "WORKER_INDEX_WRITTEN",
                "WORKER_RECORD_WRITTEN", "WORKER_LAYER_KEPT")
EROFS_ONLY = ("WORKER_TAR_WRITTEN", "WORKER_INDEX_WRITTEN", "WORKER_RECORD_WRITTEN")
PUBLISH = ("BLOB_MOVED", "LAYER_DESCRIBED", "LAYER_MOVED", "LAYER_SYNCED", "PUBLISH_BLOBS_SYNCED", "PUBLISH_IMAGE_INSERTED",
           "PUBLISH_BLOB_INSERTED", "PUBLISH_ROWS_WRITTEN", "PUBLISH_COMMITTED")


class Pull(Scenario):
    steps, workers, erofs = ("PULL_", *PUBLISH, "PUBLISH_PART_DROPPED"), LAYER_WORKER, EROFS_ONLY
    again = ("PULL_LAYER_SYNCED", "PULL_DOCUMENT_WRITTEN", "BLOB_MOVED", "LAYER_MOVED", "PUBLISH_PART_DROPPED")

    def command(self, place):
        return ["pull", "-q", f"{place.proxy.host}/two:1"], None


class Load(Scenario):
    steps, workers, erofs = ("LOAD_", *PUBLISH), (*LAYER_WORKER, "WORKER_BLOB_KEPT", "WORKER_DOCUMENT_WRITTEN"), EROFS_ONLY
    again = ("BLOB_MOVED", "LAYER_MOVED")

    def command(self, place):
        return ["load", "-q"], place.archive


class Commit(Scenario):
    steps, erofs, dir = ("COMMIT_", *PUBLISH), EROFS_ONLY, ("BLOB_MOVED",)
    workers = ("WORKER_PACK_BEGUN", "WORKER_PACK_ENDED", *LAYER_WORKER)

    def prepare(self, engine, place):
        engine.out("run", "--name", "one", "busybox", "touch", "-d", f"@{MTIME}", "/f")

    def command(self, place):
        return ["commit", "one", "committed:1"], None


class Build(Scenario):
    steps = ("BUILD_", "BLOB_MOVED", "LAYER_DESCRIBED", "LAYER_MOVED", "LAYER_SYNCED")
    workers = ("WORKER_PACK_BEGUN", "WORKER_PACK_ENDED", *LAYER_WORKER)
    again = ("BUILD_STAGE_RECORDED", "LAYER_MOVED", "BUILD_CACHE_RECORDED", "BUILD_LAYER_PACKED")
    erofs, dir = EROFS_ONLY, ("BLOB_MOVED", "BUILD_BLOB_RECORDED")

    def command(self, place):
        return ["build", "-q", "--timestamp", str(MTIME), "-t", "built:1", place.context], None


class BuildOfTar(Scenario):
    """A context that comes whole, as an archive."""
    steps, workers = (), ("WORKER_TREE_UNPACKED",)

    def command(self, place):
        return ["build", "-q", "--timestamp", str(MTIME), "-t", "built:1", "-"], place.packed


class Rmi(Scenario):
    steps = ("REMOVE_",)
    again = ("REMOVE_BLOB_FORGOTTEN", "REMOVE_BLOB_MOVED")

    def prepare(self, engine, place):
        engine.out(*PULL.command(place)[0])

    def command(self, place):
        return ["rmi", f"{place.proxy.host}/two:1"], None


class Prune(Rmi):
    """Of two images; one that a container was made from stays."""
    again = (*Rmi.again, "REMOVE_COMMITTED", "REMOVE_LAYER_MOVED")

    def prepare(self, engine, place):
        super().prepare(engine, place)
        with open(place.archive, "rb") as archive:
            engine.out("load", "-q", stdin=archive)
        engine.out("create", "--name", "keeps", "busybox")

    def command(self, place):
        return ["image", "prune", "-af"], None


class BuilderPrune(Scenario):
    steps = ("CACHE_", "REMOVE_LAYER_MOVED", "REMOVE_BLOB_FORGOTTEN", "REMOVE_BLOB_MOVED")
    dir = ("REMOVE_BLOB_FORGOTTEN", "REMOVE_BLOB_MOVED")
    again = ("REMOVE_LAYER_MOVED",)

    def prepare(self, engine, place):
        engine.out(*map(str, BUILD.command(place)[0]))
        engine.out("rmi", "built:1")

    def command(self, place):
        return ["builder", "prune", "-af"], None


PULL, LOAD, COMMIT, BUILD, BUILD_OF_TAR, RMI, PRUNE, CACHE = (
    Pull(), Load(), Commit(), Build(), BuildOfTar(), Rmi(), Prune(), BuilderPrune())
SCENARIOS = {"pull": PULL, "load": LOAD, "commit": COMMIT, "build": BUILD, "build-of-tar": BUILD_OF_TAR, "rmi": RMI, "prune": PRUNE,
             "builder-prune": CACHE}
SWEEPS = [s for s in STEPS if s.startswith("SWEEP_")]


class Place:
    """What the commands work on, for all tests of one driver; and how it is when one has ended, by scenario."""

    def __init__(self, folder):
        self.registry = registries.Registry().__enter__()
        self.proxy = tcpproxy.Proxy(self.registry.port)
        layers = [image.busybox_layer(), registries.big_layer(2), registries.big_layer(1, 7)]
        self.registry.skopeo_push(registries.archive_file(folder, layers), "two:1")
        self.base, self.archive, self.context = folder / "base.tar", folder / "load.tar", folder / "context"
        self.packed = folder / "context.tar"
        self.base.write_bytes(image.oci_archive("busybox:latest"))
        self.archive.write_bytes(image.oci_archive("loaded:1", [image.busybox_layer(), registries.big_layer(1, 2),
                                                                image.Layer().add("small").bytes()]))
        self.context.mkdir()
        (self.context / "f").write_text("x")
        (self.context / "Dockerfile").write_text(f"FROM busybox\nCOPY f /f\nRUN touch -d @{MTIME} /r\n")
        with tarfile.open(self.packed, "w") as tar:
            tar.add(self.context, ".")
        self.ends = {}

    def close(self):
        self.proxy.__exit__()
        self.registry.close()

    @contextlib.contextmanager
    def engine(self, scenario):
        with harness.Engine() as e:
            with open(self.base, "rb") as base:
                e.cleat("load", "-q", stdin=base)
            scenario.prepare(e, self)
            yield e
            e.kill()  # at once: in order it takes its time for whoever still comes

    def begin(self, engine, scenario):
        arguments, source = scenario.command(self)
        with open(source or "/dev/null", "rb") as stdin:
            return engine.popen(*arguments, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def end_of(self, name):
        """What is there once nothing has gone wrong."""
        if name not in self.ends:
            with self.engine(SCENARIOS[name]) as e:
                process = self.begin(e, SCENARIOS[name])
                assert process.communicate(timeout=60)[1] is not None and process.returncode == 0
                wait_for_order(e)
                self.ends[name] = inventory.content(e)
        return self.ends[name]


@pytest.fixture(scope="module")
def place(layer_driver, tmp_path_factory):  # pylint: disable=unused-argument
    made = Place(tmp_path_factory.mktemp("place"))
    yield made
    made.close()


def wait_for_order(engine):
    harness.wait_until(lambda: not inventory.faults(engine), what=lambda: str(inventory.faults(engine)))


def check(engine, place, name, before):
    """After the fault: what was good is good, and there is nothing but that and what the command makes."""
    wait_for_order(engine)
    assert not inventory.damage(engine)
    now, end = inventory.content(engine), place.end_of(name)
    assert before & end <= now <= before | end


def finish(engine, place, name):
    """Again: all that was fetched is not fetched again, and it is as if nothing had happened."""
    kept = sum(inventory.parts(engine).values())
    sent = place.proxy.sent
    done = place.begin(engine, SCENARIOS[name])
    said = done.communicate(timeout=60)[1]
    assert done.returncode == 0 or name == "rmi" and "No such image" in said, said
    if name == "pull":
        size = sum(r[0] for r in inventory.query(engine, "SELECT size_bytes FROM blobs WHERE diff_id <> '' AND digest IN "
                                                 "(SELECT digest FROM blob_sources)"))
        assert place.proxy.sent - sent <= max(size - kept, 0) + SLACK
    if name == "commit":
        engine.out("image", "prune", "-f")  # each makes an image, of which the last one has the name
    wait_for_order(engine)
    assert inventory.content(engine) == place.end_of(name)
    assert not inventory.damage(engine)
    assert engine.out("run", "--rm", "busybox", "echo", "good") == "good"


def restart(engine, **environment):
    engine.kill()
    engine.start(env=environment)


def killed(engine, process):
    """Its client may end before, where the step is behind the answer, or never."""
    harness.wait_until(lambda: engine.process.poll() or process.poll() is not None, what="an end")
    assert engine.process.wait(10) == -signal.SIGKILL
    process.kill()
    process.communicate()


ENGINE_KILLS = [(n, step, f"{step}:{t}" if t > 1 else step) for n, s in SCENARIOS.items()
                for step in sorted({*s.taken("erofs"), *s.taken("dir")}, key=STEPS.index)
                for t in ((1, 2) if step in s.again else (1,))]
WORKER_KILLS = [(n, step) for n, s in SCENARIOS.items() for step in s.workers]


@pytest.mark.parametrize("name,step,switch", ENGINE_KILLS, ids=[f"{n}-{w}" for n, _, w in ENGINE_KILLS])
def test_engine_killed(place, layer_driver, name, step, switch):
    scenario = SCENARIOS[name]
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
    scenario = SCENARIOS[name]
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


@pytest.mark.parametrize("step", SWEEPS)
def test_engine_killed_while_it_sweeps(place, step):
    """What a build that was killed has left, and a blob and a layer of the same kind that nobody knows."""
    with place.engine(BUILD) as e:
        before = inventory.content(e)
        restart(e, CLEAT_FAULT="BUILD_CACHE_RECORDED:2")
        killed(e, place.begin(e, BUILD))
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
    taken = {step for s in SCENARIOS.values() for d in DRIVERS for step in s.taken(d) + s.taken_by_workers(d)}
    assert taken | set(SWEEPS) == set(STEPS)
