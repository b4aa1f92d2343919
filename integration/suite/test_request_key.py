# SPDX-License-Identifier: Apache-2.0
"""A call repeated under its request_key is carried out once, whatever happened to the engine meanwhile."""
import contextlib
import os
import signal
import sqlite3
import uuid

import pytest

import harness
from cleat import AlreadyExists, Client, InvalidArgument, NotFound, Unavailable
from cleat.v1 import (AttachRequest, AttachStart, ContainerConfig, Containers, CreateContainerRequest,
                      CreateExecRequest, Exec, ExecInput, ExecStart, Images,
                      KillContainerRequest, ListContainersRequest, ListExecsRequest, PauseContainerRequest,
                      RemoveContainerRequest, RemoveImageRequest, RenameContainerRequest, RestartContainerRequest,
                      StartContainerRequest, StopContainerRequest, StringList, TagImageRequest,
                      UnpauseContainerRequest)


@pytest.fixture
def api(busybox):
    """The client; api.twice(call, request) makes one call before and once after the engine was killed."""
    class Api:
        def __init__(self):
            self.client = Client(busybox.host)
            self.containers, self.exec, self.images = Containers(self.client), Exec(self.client), Images(self.client)

        def new_engine(self):
            busybox.kill(signal.SIGKILL)
            busybox.start()

        def twice(self, call, request):
            key = uuid.uuid4().hex
            first = call(request, request_key=key)
            self.new_engine()
            return first, call(request, request_key=key)

        def create(self, script, **config):
            return self.containers.create(CreateContainerRequest(config=ContainerConfig(
                image="busybox", command=StringList(["sh", "-c", script]), **config))).id

    made = Api()
    yield made
    made.client.close()


def test_create(api):
    request = CreateContainerRequest(name="one", config=ContainerConfig(image="busybox"))
    first, second = api.twice(api.containers.create, request)
    assert first.id == second.id
    assert len(api.containers.list(ListContainersRequest(all=True)).containers) == 1
    unnamed = CreateContainerRequest(config=ContainerConfig(image="busybox"))
    first, second = api.twice(api.containers.create, unnamed)
    assert first.id == second.id
    # gone meanwhile: the key stands for nothing any more
    key = uuid.uuid4().hex
    first = api.containers.create(unnamed, request_key=key)
    api.containers.remove(RemoveContainerRequest(first.id))
    assert api.containers.create(unnamed, request_key=key).id != first.id


def test_create_after_one_that_was_cut_off(api, busybox):
    """The engine died in the midst of it: its row is there, and nobody who works on it."""
    api.create("true")
    with contextlib.closing(sqlite3.connect(busybox.state / "cleat.db")) as db, db:
        db.execute("UPDATE containers SET name = 'half', intent = 'creating'")
    request = CreateContainerRequest(name="half", config=ContainerConfig(image="busybox"))
    made = api.containers.create(request)
    assert [c.id for c in api.containers.list(ListContainersRequest(all=True)).containers] == [made.id]
    with pytest.raises(AlreadyExists):
        api.containers.create(request)


def test_start_of_one_that_has_ended(api, busybox):
    name = api.create("echo once")
    api.twice(lambda *a, **kw: (api.containers.start(*a, **kw), busybox.out("wait", name)), StartContainerRequest(name))
    busybox.wait_for_log(name, "once")
    assert busybox.out("logs", name) == "once"
    # another key is another call
    api.containers.start(StartContainerRequest(name), request_key="other")
    busybox.out("wait", name)
    assert busybox.out("logs", name) == "once\nonce"


def test_start_of_one_that_is_gone(api, busybox):
    name = api.create("exit 0", auto_remove=True)

    def start(*arguments, **options):
        api.containers.start(*arguments, **options)
        harness.wait_until(lambda: name not in busybox.out("ps", "-aq", "--no-trunc"), what="removal")

    key = uuid.uuid4().hex
    start(StartContainerRequest(name), request_key=key)
    api.containers.start(StartContainerRequest(name), request_key=key)
    with pytest.raises(NotFound):
        api.containers.start(StartContainerRequest(name), request_key="other")


def test_signals(api, busybox):
    name = api.create("trap 'echo usr1' USR1; echo ready; while :; do sleep 0.1; done")
    api.containers.start(StartContainerRequest(name))
    busybox.wait_for_log(name, "ready")
    api.twice(api.containers.kill, KillContainerRequest(name, signal="USR1"))
    harness.wait_until(lambda: "usr1" in busybox.out("logs", name), what="the first signal's word")
    api.containers.kill(KillContainerRequest(name, signal="USR1"), request_key="other")
    harness.wait_until(lambda: busybox.out("logs", name).count("usr1") >= 2, what="the signals' words")
    # a third one would have been handled before this command ran in the container
    assert busybox.out("exec", name, "echo", "after") == "after"
    assert busybox.out("logs", name).count("usr1") == 2
    api.twice(api.containers.kill, KillContainerRequest(name))
    assert busybox.out("wait", name) == "137"


def test_stop_of_one_that_goes_with_its_end(api):
    name = api.create("exec sleep 1000", auto_remove=True)
    api.containers.start(StartContainerRequest(name))
    key = uuid.uuid4().hex
    request = StopContainerRequest(name, signal="KILL")
    api.containers.stop(request, request_key=key)
    harness.wait_until(lambda: not api.containers.list(ListContainersRequest(all=True)).containers, what="removal")
    api.containers.stop(request, request_key=key)
    with pytest.raises(NotFound):
        api.containers.stop(request, request_key="other")


def test_pause_and_unpause(api):
    name = api.create("exec sleep 1000")
    api.containers.start(StartContainerRequest(name))
    api.twice(api.containers.pause, PauseContainerRequest(name))
    api.twice(api.containers.unpause, UnpauseContainerRequest(name))
    api.containers.remove(RemoveContainerRequest(name, force=True))


def test_restart(api, busybox):
    name = api.create("echo up; exec sleep 1000")
    api.containers.start(StartContainerRequest(name))
    busybox.wait_for_log(name, "up")
    api.twice(api.containers.restart, RestartContainerRequest(name, timeout_seconds=0))
    harness.wait_until(lambda: busybox.out("logs", name) == "up\nup", what="one restart")


def test_rename_and_remove(api):
    name = api.create("true")
    api.containers.rename(RenameContainerRequest(name, name="before"))
    api.twice(api.containers.rename, RenameContainerRequest("before", name="after"))
    api.twice(api.containers.remove, RemoveContainerRequest("after"))
    with pytest.raises(NotFound):
        api.containers.remove(RemoveContainerRequest("after"), request_key="other")


def test_exec(api, busybox):
    name = api.create("exec sleep 1000")
    api.containers.start(StartContainerRequest(name))
    request = CreateExecRequest(container=name, command=["sh", "-c", "echo x >> /count; cat /count; exit 3"],
                                attach_stdout=True)
    first, second = api.twice(api.exec.create, request)
    assert first.id == second.id
    assert len(api.exec.list(ListExecsRequest(container=name)).execs) == 1

    def run(start, request_key):
        with api.exec.start(request_key=request_key) as call:
            call.send(ExecInput(start=start))
            return [m.exited.exit_code for m in call if m.exited]

    # created and started in one call, and the answer lost: the same exec is joined or told again
    first, second = api.twice(run, ExecStart(create=request))
    assert (first, second) == ([3], [3])
    assert busybox.out("exec", name, "cat", "/count") == "x"


def attach_and_start(api, name, key, until):
    """What an attach that starts the container gets, up to the message of kind `until`."""
    output, got = b"", None
    with api.containers.attach(request_key=key, timeout=60) as call:
        call.send(AttachRequest(start=AttachStart(container=name, stdout=True, stream=True, start=True)))
        for message in call:
            output += message.output.data if message.output else b""
            got = getattr(message, until)
            if got is not None and (until != "output" or output.endswith(b"\n")):
                break
    return output, got


def test_attach_that_started_one_that_has_ended(api):
    """The client was told nothing before the engine died: it gets all output since the start, and the end."""
    name, key = api.create("echo hi; exit 3"), uuid.uuid4().hex
    for _ in range(2):
        output, end = attach_and_start(api, name, key, "exited")
        assert (output, end.exit_code) == (b"hi\n", 3)
        api.new_engine()
    # what an earlier start wrote is none of it
    key = uuid.uuid4().hex
    for _ in range(2):
        output, end = attach_and_start(api, name, key, "exited")
        assert (output, end.exit_code) == (b"hi\n", 3)
        api.new_engine()
    # a client that knows of no end is told none with the first message: it may hear no other
    with api.containers.attach(timeout=60) as call:
        call.send(AttachRequest(start=AttachStart(container=name, stdout=True, stream=True, exits=0)))
        messages = list(call)
    assert messages[0].attached.exits == 0 and messages[-1].exited.exit_code == 3


def test_attach_that_started_one_that_runs(api, busybox):
    name, key = api.create("echo once; while [ ! -e /go ]; do sleep 0.02; done; exit 4"), uuid.uuid4().hex
    assert attach_and_start(api, name, key, "output")[0] == b"once\n"
    api.new_engine()
    assert attach_and_start(api, name, key, "output")[0] == b"once\n"
    busybox.out("exec", name, "touch", "/go")
    output, end = attach_and_start(api, name, key, "exited")
    assert (output, end.exit_code) == (b"once\n", 4)


def test_attach_that_comes_again_too_late(api, busybox):
    """It met a shim that was not there for the moment. The container of --rm ended before it came again: its end is
    told to it all the same."""
    name, key = api.create("echo ready; sleep 1000", auto_remove=True), uuid.uuid4().hex
    assert attach_and_start(api, name, key, "output")[0] == b"ready\n"
    busybox.kill(signal.SIGKILL)
    with harness.slow_end(busybox, name):
        busybox.start()
        with pytest.raises(Unavailable):
            attach_and_start(api, name, key, "exited")
    os.kill(int(busybox.out("inspect", "-f", "{{.State.Pid}}", name)), signal.SIGKILL)
    harness.wait_until(lambda: not busybox.out("ps", "-q"), what="the end")
    assert attach_and_start(api, name, key, "exited")[1].exit_code in harness.codes_of_an_orphan(137)
    harness.wait_until(lambda: not busybox.out("ps", "-aq"), what="removal")


def test_removed_image(api):
    api.images.tag(TagImageRequest(image="busybox", reference="other:1"))
    first, second = api.twice(api.images.remove, RemoveImageRequest("other:1"))
    assert first.changes and first == second
    with pytest.raises(NotFound):
        api.images.remove(RemoveImageRequest("other:1"), request_key="other")


def test_a_key_that_is_too_long(api):
    with pytest.raises(InvalidArgument, match="request_key"):
        api.containers.create(CreateContainerRequest(config=ContainerConfig(image="busybox")), request_key="k" * 65)


def test_a_key_is_of_one_method(api):
    """The same key and the same name of a method, of another service."""
    api.images.remove(RemoveImageRequest("busybox"), request_key="same")
    with pytest.raises(NotFound):
        api.containers.remove(RemoveContainerRequest("nosuch"), request_key="same")
