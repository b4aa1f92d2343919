# SPDX-License-Identifier: Apache-2.0
import contextlib
import pathlib
import signal
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "integration"), str(TOP / "gen" / "python")]
import disks  # noqa: E402  pylint: disable=wrong-import-position
import gateway as gateways  # noqa: E402  pylint: disable=wrong-import-position
import harness  # noqa: E402  pylint: disable=wrong-import-position
import netns  # noqa: E402  pylint: disable=wrong-import-position


def pytest_addoption(parser):
    parser.addoption("--soak", action="store_true", help="run the tests marked soak too")


def pytest_configure(config):
    # A shell starts a background job with SIGINT ignored, and so would be the commands that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "soak: long repetitions, run with --soak only")
    config.addinivalue_line("markers", "layer_drivers: once under each layer driver")
    config.addinivalue_line("markers", "unsanitized(reason): not against a build with sanitizers")


def pytest_collection_modifyitems(config, items):
    for item in items:
        marker = item.get_closest_marker("unsanitized")
        if marker and harness.SANITIZED:
            item.add_marker(pytest.mark.skip(reason=marker.kwargs["reason"]))
    if config.getoption("--soak"):
        return
    soak = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=soak)
    items[:] = [item for item in items if item not in soak]


def pytest_generate_tests(metafunc):
    """Under sanitizers, which are slow, one driver will do where layers are not what is looked at."""
    if metafunc.definition.get_closest_marker("layer_drivers"):
        both = not harness.SANITIZED or metafunc.module.__name__ == "test_archives"
        metafunc.parametrize("layer_driver", ["erofs", "dir"] if both else ["erofs"], indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def layer_driver(request):
    """Engines of the test are told to use this one; None = they choose."""
    chosen = getattr(request, "param", None)
    if chosen == "erofs" and harness.layer_driver_of_choice() != "erofs":
        pytest.skip("the layer driver erofs does not work here")
    before = harness.LAYER_DRIVER
    harness.LAYER_DRIVER = chosen or before
    yield chosen
    harness.LAYER_DRIVER = before


@contextlib.contextmanager
def like_tmpfs_of(kernel, folder):
    """A directory on a file system that does what a tmpfs, which `folder` may be on, does from that kernel on."""
    if harness.KERNEL >= kernel:
        yield folder
        return
    with disks.Disk(folder, "ext4", 256) as disk:
        yield disk.path


@pytest.fixture
def mappable(tmp_path):
    """A directory on a file system whose mounts can have their ids mapped."""
    with like_tmpfs_of((6, 3), tmp_path) as folder:
        yield folder


@pytest.fixture
def attributed(tmp_path):
    """A directory on a file system that keeps files' attributes of users ("user.*")."""
    with like_tmpfs_of((6, 6), tmp_path) as folder:
        yield folder


@pytest.fixture
def ns():
    """A network namespace of the test's own."""
    with netns.Netns() as n:
        yield n


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its engine wrote."""
    report = (yield).get_result()
    for name in ("engine", "module_engine"):
        if report.failed and name in getattr(item, "funcargs", {}):
            report.sections.append(("log of the engine", item.funcargs[name].log()[-8000:]))


@pytest.fixture
def engine(layer_driver):  # pylint: disable=unused-argument
    """A fresh engine with nothing in it."""
    with harness.Engine() as e:
        yield e


@pytest.fixture
def busybox(engine):
    """A fresh engine with the image busybox:latest."""
    engine.load_busybox()
    return engine


@pytest.fixture(scope="module")
def module_engine(layer_driver):  # pylint: disable=unused-argument
    """One engine with busybox and a container `one` for a whole file of tests that change nothing."""
    with harness.Engine() as e:
        e.load_busybox()
        e.out("create", "--name", "one", "busybox")
        yield e


@pytest.fixture(scope="module")
def gateway(layer_driver):  # pylint: disable=unused-argument
    """One engine with busybox, and a gateway to it, for a whole file of tests."""
    with harness.Engine() as e:
        e.load_busybox()
        g = gateways.Gateway(e)
        try:
            yield g
        finally:
            g.close()


@pytest.fixture(scope="module")
def networked_gateway(layer_driver):  # pylint: disable=unused-argument
    """As `gateway`, of an engine in a network namespace of its own: the attribute `ns`."""
    with netns.Netns() as n, harness.Engine(netns=n.name) as e:
        e.load_busybox()
        g = gateways.Gateway(e)
        g.ns = n
        try:
            yield g
        finally:
            g.close()
