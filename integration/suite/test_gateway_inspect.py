# SPDX-License-Identifier: Apache-2.0
"""What create was asked for is what inspect tells, and what the container gets: as recorded from dockerd."""
import pathlib

import pytest

import harness
import netns
from gateway import Gateway, hijack, read_all

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


CGROUPS = pathlib.Path("/sys/fs/cgroup")
# Under version 1 the file of each limit; under version 2 its controller.
LIMITS = {"MemoryLimit": ("memory/memory.limit_in_bytes", "memory"), "SwapLimit": ("memory/memory.memsw.limit_in_bytes", "memory"),
          "PidsLimit": ("pids", "pids"), "CPUShares": ("cpu/cpu.shares", "cpu"), "CpuCfsQuota": ("cpu/cpu.cfs_quota_us", "cpu"),
          "CpuCfsPeriod": ("cpu/cpu.cfs_period_us", "cpu"), "CPUSet": ("cpuset/cpuset.cpus", "cpuset")}


def test_info_tells_what_the_kernel_can_limit(gateway):
    info = gateway.json("GET", "/info")
    controllers = CGROUPS / "cgroup.controllers"
    for name, (file, controller) in LIMITS.items():
        can = controller in controllers.read_text(encoding="utf-8").split() if controllers.exists() else (CGROUPS / file).exists()
        assert info[name] == can, name
        assert can or any("support" in warning for warning in info["Warnings"])
    assert info["OomKillDisable"] == (CGROUPS / "memory/memory.oom_control").exists()
    assert "name=seccomp,profile=builtin" in info["SecurityOptions"]
    enabled = pathlib.Path("/sys/module/apparmor/parameters/enabled")
    assert ("name=apparmor" in info["SecurityOptions"]) == (enabled.exists() and enabled.read_text(encoding="utf-8").strip() == "Y")


def test_info_tells_whether_the_host_forwards(layer_driver):  # pylint: disable=unused-argument
    with netns.Netns() as ns, harness.Engine(netns=ns.name) as engine:
        gateway = Gateway(engine)
        try:
            for value in ("0", "1"):
                ns.run("sysctl", "-qw", f"net.ipv4.ip_forward={value}")
                info = gateway.json("GET", "/info")
                assert info["IPv4Forwarding"] == (value == "1")
                assert ("WARNING: IPv4 forwarding is disabled" in (info["Warnings"] or [])) == (value == "0")
        finally:
            gateway.close()
