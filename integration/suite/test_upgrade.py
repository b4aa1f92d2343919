# SPDX-License-Identifier: Apache-2.0
"""Upgrade under load: no failed call, no lost or repeated line."""
import subprocess
import threading
import time

import pytest

import harness


@pytest.mark.parametrize("upgrades", [5, pytest.param(20, marks=pytest.mark.soak)])
def test_upgrades_in_a_row(busybox, upgrades):
    busybox.out("run", "-d", "--name", "tick", "busybox", "sh", "-c",
                "i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo $i; sleep 0.005; done")
    follower = busybox.popen("logs", "-f", "tick", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    waiter = busybox.popen("wait", "tick", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    received, failures, calls, stop = [], [], [0], threading.Event()
    reader = threading.Thread(target=lambda: received.append(follower.stdout.read()))
    reader.start()

    def call():
        while not stop.is_set():
            done = busybox.cleat("run", "--rm", "busybox", "true", check=False)
            calls[0] += 1
            if done.returncode:
                failures.append(done.stderr)
            done = busybox.cleat("ps", "-q", check=False)
            if done.returncode:
                failures.append(done.stderr)

    callers = [threading.Thread(target=call) for _ in range(2)]
    for thread in callers:
        thread.start()
    try:
        for _ in range(upgrades):
            busybox.cleat("system", "upgrade", "--binary", harness.BIN / "cleatd")
            time.sleep(0.1)
    finally:
        stop.set()
        for thread in callers:
            thread.join(60)
    assert not failures
    assert calls[0] > upgrades
    busybox.out("exec", "tick", "touch", "/tmp/stop")
    reader.join(60)
    assert follower.wait(60) == 0, follower.stderr.read()
    assert waiter.wait(60) == 0, waiter.stderr.read()
    numbers = [int(line) for line in received[0].split()]
    assert numbers == list(range(1, len(numbers) + 1))
    harness.wait_until(lambda: len(busybox.engine_pids()) == 1, what="end of the drained engines")
