# SPDX-License-Identifier: Apache-2.0
"""Sizes that volumes and containers may not grow beyond. Many kernels have no quotas of projects; that of `--stage vm`
has."""
import ctypes
import json
import os
import shutil
import struct
import subprocess

import pytest

import disks
import harness

WRITE = "head -c {} /dev/zero > {}/file; echo $?; stat -c %s {}/file"
MIB = 1 << 20


@pytest.fixture
def limited(tmp_path):
    """An engine whose state is on a file system with quotas."""
    try:
        disk = disks.Disk(tmp_path, "ext4", 64, quotas=True)
    except subprocess.CalledProcessError:
        pytest.skip("the kernel has no quotas of projects")
    with disk, harness.Engine(root=disk.path / "engine") as engine:
        engine.load_busybox()
        yield engine


def projects(engine):
    """The ids of directories that have a limit, by lsattr(1)."""
    lines = subprocess.run(["lsattr", "-p", "-R", "-d", *engine.state.glob("volumes/*"),
                            *engine.state.glob("containers/*/[uw]*")], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return [int(line.split()[0]) for line in lines if int(line.split()[0])]


def written(engine, size, place, *arguments):
    """The status of a program that writes so many bytes, and how many there are then."""
    out = engine.out("run", "--rm", *arguments, "busybox", "sh", "-c", WRITE.format(size, place, place))
    return [int(word) for word in out.split()]


def test_a_file_system_without_quotas(busybox):
    for command in (["volume", "create", "-o", "size=10m", "vv"],
                    ["run", "--storage-opt", "size=10m", "busybox", "true"]):
        r = busybox.cleat(*command, check=False)
        assert r.returncode and "quota size requested but no quota support" in r.stderr
    assert busybox.out("volume", "ls", "-q") == "" and busybox.out("ps", "-aq") == ""
    for pattern, kind in (("volumes/[!.]*", "volume"), ("containers/*", "container")):
        harness.wait_until(lambda p=pattern: not list(busybox.state.glob(p)), what=f"no directory of a {kind}")


@pytest.mark.parametrize("arguments,message", [
    (["volume", "create", "-o", "size=much", "vv"], "invalid size: 'much'"),
    (["create", "--storage-opt", "size=much", "busybox"], "invalid storage size 'much'"),
    (["create", "--storage-opt", "colour=red", "busybox"], "unknown storage option colour")])
def test_errors(busybox, arguments, message):
    r = busybox.cleat(*arguments, check=False)
    assert r.returncode and message in r.stderr


def test_volume(limited):
    limited.out("volume", "create", "-o", "size=4m", "small")
    limited.out("volume", "create", "large")
    status, size = written(limited, 5 * MIB, "/v", "-v", "small:/v")
    assert status == 1 and 3 * MIB < size <= 4 * MIB
    assert written(limited, 5 * MIB, "/v", "-v", "large:/v") == [0, 5 * MIB]
    assert limited.out("run", "--rm", "-v", "small:/v", "busybox", "sh", "-c",
                       "rm /v/file; head -c 2000000 /dev/zero > /v/f; echo $?") == "0"
    assert json.loads(limited.out("volume", "inspect", "small"))[0]["Options"] == {"size": "4m"}


@pytest.mark.parametrize("left", [(), (".",)])
def test_volume_whose_directory_is_made_again(limited, left):
    """Whatever an engine that was killed has made of it."""
    limited.out("volume", "create", "-o", "size=4m", "small")
    directory = limited.state / "volumes" / "small"
    shutil.rmtree(directory)
    for name in left:
        (directory / name).mkdir()
    limited.kill()
    limited.start()
    status, size = written(limited, 5 * MIB, "/v", "-v", "small:/v")
    assert status == 1 and size <= 4 * MIB


def test_volume_that_is_filled_from_the_image(limited):
    limited.out("volume", "create", "-o", "size=4m", "vv")
    assert limited.out("run", "--rm", "-v", "vv:/bin", "busybox", "echo", "good") == "good"


def test_container(limited):
    """The files of the image do not count."""
    status, size = written(limited, 5 * MIB, "/root", "--storage-opt", "size=4m")
    assert status == 1 and 3 * MIB < size <= 4 * MIB
    limited.out("run", "--name", "moved", "--storage-opt", "size=4m", "busybox", "mv", "/bin/true", "/bin/t")
    assert json.loads(limited.out("inspect", "moved"))[0]["HostConfig"]["StorageOpt"] == {"size": "4m"}


def test_nobody_gets_the_limit_of_another(limited):
    for i in range(3):
        limited.out("volume", "create", "-o", "size=1m", f"vv{i}")
        limited.out("create", "--name", f"cc{i}", "--storage-opt", "size=2m", "busybox")
    found = projects(limited)
    assert len(found) == 9 and len(set(found)) == 6


def hard_limit(folder, project):
    """Blocks of 1 KiB, by quotactl_fd(2); 0 for a project that has none."""
    get_project_quota, found = 0x800007 << 8 | 2, ctypes.create_string_buffer(72)
    fd = os.open(folder, os.O_RDONLY)
    try:
        ctypes.CDLL(None).syscall(443, fd, get_project_quota, ctypes.c_ulong(project), found)
    finally:
        os.close(fd)
    return struct.unpack_from("Q", found)[0]


def test_a_limit_goes_with_what_it_is_of(limited):
    limited.out("volume", "create", "-o", "size=1m", "vv")
    limited.out("create", "--name", "cc", "--storage-opt", "size=2m", "busybox")
    used = set(projects(limited))
    assert sorted(hard_limit(limited.state, project) for project in used) == [1024, 2048]
    limited.out("volume", "rm", "vv")
    limited.out("rm", "cc")
    harness.wait_until(lambda: not any(hard_limit(limited.state, project) for project in used), what="no limit")
