# SPDX-License-Identifier: Apache-2.0
"""Limits that a container is made with: what the kernel then has, what is refused, what is discarded."""
import json
import os
import pathlib

import pytest

import cgroups

MB = 1 << 20
# A block device that is there wherever the kernel has loop devices: its limits need no file in it.
BLOCK = next((p for p in ("/dev/vda", "/dev/sda", "/dev/loop0") if pathlib.Path(p).is_block_device()), None)


def limit(engine, container, name):
    return cgroups.read(engine, container, name)


@pytest.mark.parametrize("flags, expected", [
    (("-m", "64m"), {"memory": 64 * MB, "swap": 128 * MB}),
    (("-m", "64m", "--memory-swap", "96m"), {"memory": 64 * MB, "swap": 96 * MB}),
    (("-m", "64m", "--memory-swap", "64m"), {"memory": 64 * MB, "swap": 64 * MB}),
    (("-m", "64m", "--memory-swap", "-1"), {"memory": 64 * MB, "swap": cgroups.UNLIMITED}),
    (("--memory-reservation", "32m"), {"memory": cgroups.UNLIMITED, "reservation": 32 * MB}),
    (("--cpus", "0.5"), {"quota": 50000, "period": 100000}),
    (("--cpu-period", "50000", "--cpu-quota", "25000"), {"quota": 25000, "period": 50000}),
    (("--cpu-shares", "512"), {"shares": 59 if cgroups.V2 else 512}),
    (("-c", "1"), {"shares": 1 if cgroups.V2 else 2}),
    (("--cpuset-cpus", "0"), {"cpus": "0"}),
    (("--cpuset-mems", "0", "--cpuset-cpus", "0"), {"mems": "0", "cpus": "0"}),
    (("--pids-limit", "10"), {"pids": 10}),
    (("--pids-limit", "-1"), {"pids": cgroups.UNLIMITED}),
    (("--pids-limit", "0"), {"pids": cgroups.UNLIMITED}),
])
def test_a_limit_is_the_kernels(busybox, flags, expected):
    busybox.out("run", "-d", "--name", "one", *flags, "busybox", "sleep", "1000")
    assert {name: limit(busybox, "one", name) for name in expected} == expected


def test_what_a_process_sees(busybox):
    run = lambda *words: busybox.out("run", "--rm", *words)
    assert run("--oom-score-adj", "500", "busybox", "cat", "/proc/self/oom_score_adj") == "500"
    assert run("--ulimit", "nofile=100:200", "--ulimit", "core=0", "busybox", "sh", "-c",
               "ulimit -n; ulimit -Hn; ulimit -c").split() == ["100", "200", "0"]
    assert run("--shm-size", "3m", "busybox", "df", "-k", "/dev/shm").split()[8] == "3072"
    assert "Cpus_allowed_list:\t0" in run("--cpuset-cpus", "0", "busybox", "cat", "/proc/self/status")


@pytest.mark.skipif(cgroups.V2, reason="cgroup v2 has no such files")
def test_what_only_v1_has(busybox):
    busybox.out("run", "-d", "--name", "one", "-m", "32m", "--memory-swappiness", "10", "--oom-kill-disable", "busybox",
                "sleep", "1000")
    group = cgroups.folder(busybox, "one", "memory")
    assert (group / "memory.swappiness").read_text() == "10\n"
    assert (group / "memory.oom_control").read_text().startswith("oom_kill_disable 1\n")


@pytest.mark.skipif(not cgroups.V2, reason="cgroup v1 has them")
def test_what_v2_lacks_is_discarded_with_a_warning(busybox):
    done = busybox.cleat("create", "--name", "one", "-m", "32m", "--memory-swappiness", "10", "--oom-kill-disable",
                         "busybox")
    assert "WARNING: Your kernel does not support memory swappiness" in done.stderr
    assert "WARNING: Your kernel does not support OomKillDisable. OomKillDisable discarded." in done.stderr
    host = json.loads(busybox.out("inspect", "one"))[0]["HostConfig"]
    assert not host["OomKillDisable"]


def test_no_limit_of_memory_and_no_oom_killer(busybox):
    done = busybox.cleat("create", "--oom-kill-disable", "busybox")
    assert "WARNING: " in done.stderr
    assert cgroups.V2 or "can result in the system running out of resources" in done.stderr


def test_kernel_memory_is_taken_and_not_kept(busybox):
    done = busybox.cleat("run", "--rm", "--kernel-memory", "64m", "busybox", "true")
    assert "WARNING: A limit of kernel memory is accepted and not kept" in done.stderr


@pytest.mark.skipif(not BLOCK, reason="no block device to limit")
def test_limits_of_a_block_device(busybox):
    number = os.stat(BLOCK).st_rdev
    device = f"{os.major(number)}:{os.minor(number)}"
    busybox.out("run", "-d", "--name", "one", "--device-read-bps", f"{BLOCK}:1mb", "--device-write-bps",
                f"{BLOCK}:2mb", "--device-read-iops", f"{BLOCK}:100", "--device-write-iops", f"{BLOCK}:200", "busybox",
                "sleep", "1000")
    group = cgroups.folder(busybox, "one", "" if cgroups.V2 else "blkio")
    if cgroups.V2:
        assert (group / "io.max").read_text() == f"{device} rbps=1048576 wbps=2097152 riops=100 wiops=200\n"
    else:
        for name, value in (("read_bps", MB), ("write_bps", 2 * MB), ("read_iops", 100), ("write_iops", 200)):
            assert (group / f"blkio.throttle.{name}_device").read_text() == f"{device} {value}\n"
    busybox.out("update", "--pids-limit", "20", "one")
    busybox.out("restart", "-t", "0", "one")
    name = "io.max" if cgroups.V2 else "blkio.throttle.read_bps_device"
    assert str(MB) in (group / name).read_text()
    host = json.loads(busybox.out("inspect", "one"))[0]["HostConfig"]
    assert host["BlkioDeviceReadBps"] == [{"Path": BLOCK, "Rate": MB}]
    assert host["BlkioDeviceWriteIOps"] == [{"Path": BLOCK, "Rate": 200}]


def test_weights_of_block_devices(busybox):
    """Kept, or discarded with a warning: never a start that fails."""
    flags = ("--blkio-weight", "300", *(("--blkio-weight-device", f"{BLOCK}:200") if BLOCK else ()))
    done = busybox.cleat("run", "-d", "--name", "one", *flags, "busybox", "sleep", "1000")
    group = cgroups.folder(busybox, "one", "" if cgroups.V2 else "blkio")
    file = next((p for p in (group / "blkio.bfq.weight", group / "io.bfq.weight", group / "io.weight") if p.exists()),
                None)
    if file:
        assert file.read_text().splitlines()[0] in ("300", "default 300", "default 2930")
    else:
        assert "WARNING: Your kernel does not support Block I/O weight or" in done.stderr
    if BLOCK and file and file.name.startswith("blkio") and "Weight-device discarded" not in done.stderr:
        assert " 200\n" in file.with_name("blkio.bfq.weight_device").read_text()


@pytest.mark.parametrize("flags, words", [
    (("-m", "4m"), "Minimum memory limit allowed is 6MB"),
    (("--pids-limit", "4194305"), "the limit of processes"),
    (("-m", "64m", "--memory-swap", "32m"), "Minimum memoryswap limit should be larger than memory limit"),
    (("--memory-swap", "32m"), "You should always set the Memory limit when using Memoryswap limit"),
    (("-m", "16m", "--memory-reservation", "32m"), "can not be less than memory reservation limit"),
    (("--memory-swappiness", "101"), "0 to 100"),
    (("--cpus", "1000"), "Range of CPUs is from 0.01 to "),
    (("--cpus", "0.001"), "Range of CPUs is from 0.01 upwards"),
    (("--cpus", "1", "--cpu-quota", "5000"), "Conflicting options: Nano CPUs and CPU Period or Quota"),
    (("--cpu-quota", "100"), "CPU cfs quota can not be less than 1ms"),
    (("--cpu-period", "100"), "CPU cfs period can not be less than 1ms"),
    (("--cpuset-cpus", "4000"), "Requested CPUs are not available - requested 4000, available: 0"),
    (("--cpuset-cpus", "some"), "Invalid value some for cpuset cpus"),
    (("--cpuset-mems", "900"), "Requested memory nodes are not available - requested 900, available: 0"),
    (("--pids-limit", "-2"), "limit of processes"),
    (("--blkio-weight", "5"), "10 to 1000"),
    (("--blkio-weight-device", "/dev/null:5"), "10 to 1000"),
    (("--device-read-bps", "/dev/none-such:1mb"), '"/dev/none-such" is not a block device'),
    (("--device-read-bps", "/dev/null:1mb"), '"/dev/null" is not a block device'),
    (("--device-write-iops", "/dev/null:1mb"), "a number"),
    (("--device-read-iops", "vda:1"), "/dev/DEVICE:RATE"),
    (("--oom-score-adj", "1001"), "-1000 to 1000"),
    (("--ulimit", "none=1"), "invalid ulimit type: none"),
    (("--ulimit", "nofile=3:2"), "soft limit not above the hard one"),
    (("--sysctl", "kernel.panic=1"), "sysctl 'kernel.panic' is not allowed"),
    (("--sysctl", "vm.swappiness=1"), "sysctl 'vm.swappiness' is not allowed"),
    (("--sysctl", "net/../kernel/panic=1"), "is not allowed"),
    (("--sysctl", "kernel.shmmax=1", "--ipc", "host"), "not allowed in the host's namespace"),
    (("--sysctl", "net.ipv4.ip_forward=1", "--network", "host"), "not allowed in the host's namespace"),
])
def test_a_bad_limit_has_one_clear_error(busybox, flags, words):
    done = busybox.cleat("create", *flags, "busybox", check=False)
    assert done.returncode in (1, 125) and words in done.stderr, done
    assert busybox.out("ps", "-aq") == ""


def test_sysctls_of_the_containers_own_namespaces(busybox):
    host = pathlib.Path("/proc/sys/net/ipv4/ip_default_ttl").read_text(encoding="utf-8")
    script = "cd /proc/sys; cat net/ipv4/ip_default_ttl kernel/msgmax fs/mqueue/msg_max"
    assert busybox.out("run", "--rm", "--sysctl", "net.ipv4.ip_default_ttl=33", "--sysctl", "kernel.msgmax=1000",
                       "--sysctl", "fs.mqueue.msg_max=7", "busybox", "sh", "-c", script).split() == ["33", "1000", "7"]
    assert pathlib.Path("/proc/sys/net/ipv4/ip_default_ttl").read_text(encoding="utf-8") == host


def test_docker_sends_and_reads_the_same(gateway):
    host = {"Memory": 64 * MB, "NanoCpus": 500000000, "CpusetCpus": "0", "PidsLimit": 20, "CpuShares": 512}
    rates = {"BlkioDeviceReadBps": [{"Path": BLOCK, "Rate": MB}]} if BLOCK else {}
    made = gateway.json("POST", "/containers/create", {"Image": "busybox", "HostConfig": {**host, **rates}}, 201)
    assert made["Warnings"] == []
    read = gateway.json("GET", f"/containers/{made['Id']}/json")["HostConfig"]
    assert {**read, **host, **rates} == read
    assert read["MemorySwap"] == 128 * MB
    gateway.json("DELETE", f"/containers/{made['Id']}", status=204)
    bad = gateway.json("POST", "/containers/create",
                       {"Image": "busybox", "HostConfig": {"BlkioDeviceReadBps": [{"Path": 5}]}}, 400)
    assert "BlkioDeviceReadBps" in bad["message"]
