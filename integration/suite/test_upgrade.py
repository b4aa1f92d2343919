# SPDX-License-Identifier: Apache-2.0
"""Upgrade under load: no failed call, no lost or repeated line."""
import re
import subprocess
import threading
import time
import uuid

import harness
from cleat import Client, Unavailable
from cleat.v1 import (ContainerConfig, Containers, CreateContainerRequest, EventsRequest, InspectContainerRequest,
                      ListContainersRequest, LogsRequest, RemoveContainerRequest, StartContainerRequest, StringList,
                      System)

UPGRADES = 20
TICK = "i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo $i; sleep 0.005; done"


def held(open_stream, take):
    """Reads a server stream to its end, over engines that go: take(message) yields what it resumes behind."""
    behind = None
    while True:
        try:
            with open_stream(behind) as stream:
                for message in stream:
                    behind = take(message)
            return
        except Unavailable:
            time.sleep(0.01)


class Load:
    """Threads that call until they are told to stop, and what failed of it."""

    def __init__(self, *bodies):
        self.failures, self.calls, self._stop = [], [0] * len(bodies), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i, body)) for i, body in enumerate(bodies)]

    def _run(self, i, body):
        while not self._stop.is_set():
            try:
                body()
                self.calls[i] += 1
            except Exception as e:  # pylint: disable=broad-except
                self.failures.append(repr(e))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def test_upgrades_in_a_row(busybox):
    """Calls and held streams of the command line and of the Python client."""
    since = time.time_ns()
    busybox.out("run", "-d", "--name", "tick", "busybox", "sh", "-c", TICK)
    streams = {name: busybox.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for name, command in {
        "logs": ("logs", "-f", "tick"), "wait": ("wait", "tick"), "attach": ("attach", "--no-stdin", "tick"),
        "events": ("events", "--since", f"{since // 10**9}.{since % 10**9:09}", "--filter", "event=create", "--format",
                   "{{.Actor.ID}}"),
        "run": ("run", "--name", "front", "busybox", "sh", "-c", TICK)}.items()}
    output, created = {}, []
    readers = [threading.Thread(target=lambda n=name, p=process: output.update({n: p.communicate()}))
               for name, process in streams.items() if name != "events"]
    readers.append(threading.Thread(target=lambda: created.extend(line.strip() for line in streams["events"].stdout)))
    client = Client(busybox.host)
    containers, made, logged, told = Containers(client), [], [], []

    def take_log(entry):
        logged.append(entry.data)
        return entry.position + len(entry.data)

    def take_event(event):
        told.append(event.actor_id)
        return event.sequence

    def by_client():
        config = ContainerConfig(image="busybox", command=StringList(["true"]))
        made.append(containers.create(CreateContainerRequest(config=config), request_key=uuid.uuid4().hex).id)
        containers.start(StartContainerRequest(made[-1]), request_key=uuid.uuid4().hex)
        containers.inspect(InspectContainerRequest(made[-1]))
        containers.list(ListContainersRequest(all=True))
        containers.remove(RemoveContainerRequest(made[-1], force=True), request_key=uuid.uuid4().hex)

    def by_cli():
        busybox.cleat("run", "--rm", "busybox", "true")
        busybox.cleat("ps", "-q")

    readers += [
        threading.Thread(target=held, args=(lambda at: containers.logs(
            LogsRequest("tick", stdout=True, follow=True, resume_position=at)), take_log)),
        threading.Thread(target=held, daemon=True, args=(lambda at: System(client).events(
            EventsRequest(since_ns=since, resume_sequence=at)), take_event))]
    for thread in readers:
        thread.start()
    harness.wait_until(lambda: "front" in busybox.out("ps", "--format", "{{.Names}}").split(), what="the container of run")
    busybox.wait_for_log("front", "1")
    with Load(by_cli, by_client) as load:
        for number in range(1, UPGRADES + 1):
            busybox.cleat("system", "upgrade", "--binary", harness.BIN / "cleatd")
            harness.wait_until(lambda n=number: load.failures or min(load.calls) > n / 4, what="calls among the upgrades")
            time.sleep(0.05)
    assert not load.failures
    assert min(load.calls) > UPGRADES / 4, load.calls
    harness.wait_until(lambda: set(made) <= set(told), what="every creation told to the Python client")
    for name in ("tick", "front"):
        busybox.cleat("exec", name, "touch", "/tmp/stop", check=False)  # it may not outlive the container
    # the command line has no end of its own here
    last = busybox.out("create", "busybox")
    harness.wait_until(lambda: last in told and last in created, what="the last creation")
    streams["events"].terminate()
    for thread in readers[:-1]:
        thread.join(60)
    client.close()
    for name in ("logs", "attach", "run"):
        text, errors = output[name]
        assert streams[name].returncode == 0, (name, errors)
        numbers = [int(line) for line in text.split()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), name
        assert name == "attach" or numbers[0] == 1
    assert output["wait"][0] == "0\n"
    assert set(made) <= set(created) and len(created) == len(set(created))
    assert b"".join(logged).decode().split() == output["logs"][0].split()
    assert len(told) > len(made) and re.fullmatch("[0-9a-f]{64}", told[-1])
    harness.wait_until(lambda: len(busybox.engine_pids()) == 1, what="end of the drained engines")
