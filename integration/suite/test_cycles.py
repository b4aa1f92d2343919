# SPDX-License-Identifier: Apache-2.0
"""Many containers at once, some of them and their helpers killed midway: nothing may be left over."""
import concurrent.futures
import os
import pathlib
import random
import signal

import pytest

import harness

AT_ONCE = 16


def cycle(engine, number):
    """create, start, wait, rm of one container; every fifth is killed or removed while it runs."""
    cid = engine.out("create", "--name", f"cycle{number}", "busybox", "sh", "-c", f"exit {number % 7}")
    assert engine.out("start", cid) == cid
    assert engine.out("wait", cid) == str(number % 7)
    assert engine.out("rm", cid) == cid


def killed_cycle(engine, number):
    """One whose shim, runtime or container is killed at a random moment, then removed by force."""
    cid = engine.out("create", "--name", f"cycle{number}", "busybox", "sleep", "1000")
    starter = engine.popen("start", cid)
    if number % 2:
        starter.wait(120)
    victims = [p for p in harness.processes_below(cid) if harness.exe(p) in ("cleat-shim", "cleat-oci", "busybox")]
    if victims:
        try:
            os.kill(random.choice(victims), signal.SIGKILL)
        except ProcessLookupError:
            pass
    starter.wait(120)
    engine.out("rm", "-f", cid, timeout=120)


def run_cycles(engine, count):
    def one(number):
        (killed_cycle if number % 5 == 4 else cycle)(engine, number)

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(count)))
    assert engine.out("ps", "-aq") == ""
    engine.expect_nothing_left()
    name = f"cleat-{harness.fnv1a(os.path.realpath(engine.run)):08x}"
    # of cgroup v1, and of v2
    groups = lambda: [p for pattern in (f"*/{name}/*/", f"{name}/*/") for p in pathlib.Path("/sys/fs/cgroup").glob(pattern)]
    harness.wait_until(lambda: not groups(), what=lambda: f"the end of {groups()}")


@pytest.mark.layer_drivers
def test_cycles_of_both_drivers(busybox):
    run_cycles(busybox, 100)


@pytest.mark.parametrize("count", [1000, pytest.param(10000, marks=pytest.mark.soak)])
def test_cycles_sixteen_at_a_time(busybox, count):
    run_cycles(busybox, count)
