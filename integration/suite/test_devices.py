# SPDX-License-Identifier: Apache-2.0
"""--device and --device-cgroup-rule: what a container can open, and what not."""
import json

import pytest


def test_a_device_is_there_with_its_permissions(busybox, tmp_path):
    run = lambda *words: busybox.cleat("run", "--rm", *words, check=False)
    assert run("busybox", "ls", "/dev/loop-control").returncode == 1
    assert busybox.out("run", "--rm", "--device", "/dev/net/tun:/dev/renamed", "busybox", "stat", "-c", "%t:%T %F",
                       "/dev/renamed") == "a:c8 character special file"
    assert run("--device", "/dev/net/tun", "busybox", "sh", "-c", ": <>/dev/net/tun").returncode == 0
    done = run("--device", "/dev/net/tun:r", "busybox", "sh", "-c", ": </dev/net/tun && ! (: >/dev/net/tun)")
    assert done.returncode == 0 and "not permitted" in done.stderr, done
    link = tmp_path / "link"
    link.symlink_to("/dev/net/tun")
    assert run("--device", f"{link}:/dev/linked:rw", "busybox", "sh", "-c", ": </dev/linked").returncode == 0


def test_all_devices_of_a_directory(busybox):
    listed = busybox.out("run", "--rm", "--device", "/dev/net:/dev/below", "busybox", "ls", "/dev/below")
    assert listed == "tun"


def test_a_rule_allows_what_the_container_makes_itself(busybox):
    script = "mknod /n c 10 200 && : </n"
    assert busybox.cleat("run", "--rm", "busybox", "sh", "-c", script, check=False).returncode == 1
    for rule in ("c 10:200 rwm", "c 10:* rw", "a *:* rwm"):
        assert busybox.cleat("run", "--rm", "--device-cgroup-rule", rule, "busybox", "sh", "-c", script,
                             check=False).returncode == 0, rule


@pytest.mark.parametrize("flag, words", [
    (("--device", "/dev/none"), "error gathering device information"),
    (("--device", "/etc/passwd"), "not a device node"),
    (("--device", "/dev/net/tun:rel"), "host[:container[:rwm]]"),
    (("--device-cgroup-rule", "c 1:3"), "invalid device cgroup rule"),
    (("--device-cgroup-rule", "x 1:3 rwm"), "invalid device cgroup rule"),
    (("--device-cgroup-rule", "c 1:3 rwmx"), "invalid device cgroup rule"),
    (("--device-cgroup-rule", "c 99999999999:3 rwm"), "invalid device cgroup rule"),
])
def test_bad_devices(busybox, flag, words):
    done = busybox.cleat("create", *flag, "busybox", check=False)
    assert done.returncode in (1, 125) and words in done.stderr
    assert busybox.out("ps", "-aq") == ""


def test_inspect_and_api(gateway):
    done = gateway.docker("run", "-d", "--name", "dev", "--device", "/dev/net/tun:/dev/x:r", "--device-cgroup-rule",
                          "c 10:200 r", "busybox", "sleep", "1000")
    assert done.returncode == 0, done
    host = json.loads(gateway.docker("inspect", "dev").stdout)[0]["HostConfig"]
    assert host["Devices"] == [{"PathOnHost": "/dev/net/tun", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]
    assert host["DeviceCgroupRules"] == ["c 10:200 r"]
    assert gateway.docker("exec", "dev", "test", "-c", "/dev/x").returncode == 0
    gateway.docker("rm", "-f", "dev")
