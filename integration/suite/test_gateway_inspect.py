# SPDX-License-Identifier: Apache-2.0
"""What create was asked for is what inspect tells, and what the container gets: as recorded from dockerd."""
import json
import pathlib
import urllib.parse

import pytest

import harness
import netns
from gateway import Gateway, Unix, hijack, read_all

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


def test_a_run_of_a_health_check(gateway, create, tmp_path):
    """dockerd's events name it as an exec, which can be asked for."""
    cid = create(Cmd=["sleep", "1000"], HostConfig={"Binds": [f"{tmp_path}:/told"]},
                 Healthcheck={"Test": ["CMD-SHELL", "until rm /told/go; do sleep 0.01; done; exit 3"], "Interval": 10 ** 7,
                              "Timeout": 60 * 10 ** 9})["Id"]
    filters = json.dumps({"container": [cid], "type": ["container"]})
    connection = Unix(gateway.path)
    connection.request("GET", f"/events?filters={urllib.parse.quote(filters)}")
    events = (json.loads(line) for line in connection.getresponse())
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    seen = {}
    for event in events:
        action = event["Action"].split(":")[0]
        if action not in ("exec_create", "exec_start", "exec_die"):
            continue
        eid = event["Actor"]["Attributes"]["execID"]
        seen[action] = gateway.json("GET", f"/exec/{eid}/json")
        assert seen[action]["ID"] == eid and seen[action]["ContainerID"] == cid
        if action == "exec_start":
            (tmp_path / "go").touch()
        if action == "exec_die":
            break
    connection.close()
    process = seen["exec_start"]["ProcessConfig"]
    assert [process["entrypoint"], *process["arguments"]][:2] == ["/bin/sh", "-c"]
    assert seen["exec_start"]["Running"] and seen["exec_start"]["Pid"] > 0 and seen["exec_start"]["ExitCode"] is None
    assert not seen["exec_die"]["Running"] and seen["exec_die"]["ExitCode"] == 3
    gateway.json("GET", "/exec/none/json", status=404)


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


def test_info_does_not_warn_of_what_the_engine_switches_on(layer_driver):  # pylint: disable=unused-argument
    with netns.Netns() as ns, harness.Engine(netns=ns.name) as engine:
        gateway = Gateway(engine)
        try:
            ns.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
            info = gateway.json("GET", "/info")
            assert info["IPv4Forwarding"] and "WARNING: IPv4 forwarding is disabled" not in (info["Warnings"] or [])
        finally:
            gateway.close()
