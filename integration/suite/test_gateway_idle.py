# SPDX-License-Identifier: Apache-2.0
"""A thousand clients that are attached and wait: what they cost the gateway, that all are served, and that nothing stays."""
import contextlib
import os
import pathlib
import resource

import pytest

import harness
from gateway import hijack

CLIENTS, CONTAINERS = 1000, 4
LIMIT_KIB = 40 << 10


@pytest.fixture(autouse=True)
def descriptors():
    """Enough for an end of each connection."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def containers(gateway):
    """They repeat what they are told."""
    made = [gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["cat"], "OpenStdin": True}, 201)["Id"]
            for _ in range(CONTAINERS)]
    for cid in made:
        gateway.json("POST", f"/containers/{cid}/start", status=204)
    yield made
    for cid in made:
        gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


def held(gateway, what):
    """How many of its threads (task) or descriptors (fd)."""
    return len(os.listdir(f"/proc/{gateway.process.pid}/{what}"))


def pss_kib(gateway):
    return int(pathlib.Path(f"/proc/{gateway.process.pid}/smaps_rollup").read_text(encoding="utf-8").split("Pss:")[1].split()[0])


def exactly(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        assert part, data
        data += part
    return data


@pytest.mark.unsanitized(reason="measures memory, of which sanitizers take much")
def test_a_thousand_attached_clients(gateway, containers):
    before = {what: held(gateway, what) for what in ("task", "fd")}
    memory = pss_kib(gateway)
    with contextlib.ExitStack() as stack:
        clients = [hijack(gateway, f"/containers/{containers[i % CONTAINERS]}/attach?stream=1&stdout=1") for i in range(CLIENTS)]
        for client in clients:
            stack.callback(client.close)
        cost = pss_kib(gateway) - memory
        for cid in containers:
            typist = stack.enter_context(contextlib.closing(hijack(gateway, f"/containers/{cid}/attach?stream=1&stdin=1")))
            typist.sock.sendall(b"told\n")
        for client in clients:
            with client.sock.makefile("rb") as stream:
                assert stream.read(13) == b"\1\0\0\0\0\0\0\5told\n"
    assert cost <= LIMIT_KIB
    for what, n in before.items():
        harness.wait_until(lambda what=what, n=n: held(gateway, what) <= n, 60, f"end of each {what} of a client's")
