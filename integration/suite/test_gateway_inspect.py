# SPDX-License-Identifier: Apache-2.0
"""What create was asked for is what inspect tells, and what the container gets: as recorded from dockerd."""
import pytest

from gateway import hijack, read_all

READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
# dockerd 20.10's; its successors and cleat hide more.
MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
          "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]


@pytest.fixture
def create(gateway):
    made = []

    def one(**config):
        made.append(gateway.json("POST", "/containers/create", {"Image": "busybox", **config}, 201)["Id"])
        return gateway.json("GET", f"/containers/{made[-1]}/json")

    yield one
    for cid in made:
        gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


@pytest.mark.parametrize("asked,masked,readonly", [
    ({"Privileged": True}, None, None), ({"MaskedPaths": [], "ReadonlyPaths": []}, [], []),
    ({"MaskedPaths": ["/proc/uptime"]}, ["/proc/uptime"], READONLY), ({"SecurityOpt": ["systempaths=unconfined"]}, [], []),
], ids=["privileged", "none", "own", "unconfined"])
def test_masked_paths(create, asked, masked, readonly):
    host = create(HostConfig=asked)["HostConfig"]
    assert (host["MaskedPaths"], host["ReadonlyPaths"]) == (masked, readonly)


def test_usual_masked_paths(create):
    for asked in ({}, {"MaskedPaths": None, "ReadonlyPaths": None}):
        host = create(HostConfig=asked)["HostConfig"]
        assert not set(MASKED) - set(host["MaskedPaths"]) and host["ReadonlyPaths"] == READONLY


@pytest.mark.parametrize("asked,told", [({}, True), ({"MaskedPaths": ["/proc/uptime"]}, False)], ids=["usual", "own"])
def test_a_path_that_is_masked_cannot_be_read(gateway, create, asked, told):
    cid = create(Cmd=["cat", "/proc/uptime"], HostConfig=asked)["Id"]
    connection = hijack(gateway, f"/containers/{cid}/attach?stream=1&stdout=1")
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    assert bool(read_all(connection)) == told


@pytest.mark.parametrize("asked", [{}, {"AttachStdin": True, "OpenStdin": True}, {"AttachStdout": True, "AttachStderr": True},
                                   {"OpenStdin": True, "StdinOnce": True, "AttachStdout": True}], ids=str)
def test_attached_streams(create, asked):
    told = create(**asked)["Config"]
    for name in ("AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin", "StdinOnce"):
        assert told[name] == asked.get(name, False)


@pytest.mark.parametrize("variable", ["=x", ""])
def test_a_variable_has_a_name(gateway, variable):
    message = gateway.json("POST", "/containers/create", {"Image": "busybox", "Env": ["A=1", variable]}, 400)["message"]
    assert message == f"invalid environment variable: {variable}"
