# SPDX-License-Identifier: Apache-2.0
"""Commands that change what an engine keeps, for tests in which something happens to them on the way: what is there
before, the steps of api/base/fault.h they take, and how it is once they have ended."""
import contextlib
import re
import subprocess
import tarfile

import harness
import image
import inventory
import registries
import tcpproxy

DRIVERS = "erofs", "dir"
FAULTS = re.findall(r"\bX\((\w+)\)", (harness.TOP / "api/base/fault.h").read_text().split("FAULT_POINTS(X)", 1)[1])
NAMES_STEPS = [s for s in FAULTS if s.startswith("NAMES_")]  # test_names.py
UPDATES = [s for s in FAULTS if s.startswith("UPDATE_")]  # of a container, which has no inventory: test_update
NET_STEPS = [s for s in FAULTS if s.startswith(("NET_", "SHIM_"))]  # test_netfaults.py
USERNS_STEPS = [s for s in FAULTS if s.startswith("USERNS_")]  # test_userns.py
STEPS = [s for s in FAULTS if s not in NAMES_STEPS + UPDATES + NET_STEPS + USERNS_STEPS]
MTIME = 1700000000


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
    def engine(self, scenario, state=None):
        e = harness.Engine()
        e.state = state or e.state
        with e:
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


def wait_for_order(engine):
    harness.wait_until(lambda: not inventory.faults(engine), what=lambda: str(inventory.faults(engine)))
