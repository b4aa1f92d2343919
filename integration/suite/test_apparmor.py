# SPDX-License-Identifier: Apache-2.0
"""AppArmor. Few kernels of test machines have it; that of `--stage vm` has."""
import json
import pathlib
import subprocess

import pytest

import harness

ENABLED = pathlib.Path("/sys/module/apparmor/parameters/enabled")
HAS_APPARMOR = ENABLED.exists() and ENABLED.read_text(encoding="ascii").startswith("Y")
needs_apparmor = pytest.mark.skipif(not HAS_APPARMOR, reason="the kernel has no AppArmor")
DEFAULT = harness.TOP / "packaging" / "apparmor" / "cleat-default"
NO_SECRETS = """
profile cleat-test-no-secrets flags=(attach_disconnected,mediate_deleted) {
  file, capability, network, signal, mount, umount, pivot_root,
  deny /**/secret rw,
}
"""
CURRENT = ["cat", "/proc/self/attr/current"]


@pytest.fixture
def profile():
    """Loads profiles; all go at the end."""
    loaded = []

    def load(text):
        subprocess.run(["apparmor_parser", "--skip-cache", "-r"], input=text, text=True, check=True)
        loaded.append(text)
    yield load
    for text in loaded:
        subprocess.run(["apparmor_parser", "-R"], input=text, text=True, check=True)


@pytest.mark.skipif(HAS_APPARMOR, reason="the kernel has AppArmor")
def test_a_kernel_without(busybox):
    r = busybox.cleat("create", "--security-opt", "apparmor=some", "busybox", check=False)
    assert r.returncode == 1 and "apparmor=some: AppArmor is not enabled in this kernel" in r.stderr
    assert busybox.out("run", "--rm", "--security-opt", "apparmor=unconfined", "busybox", "echo", "ran") == "ran"


@needs_apparmor
@pytest.mark.parametrize("more", [[], ["--init"], ["--user", "7:8"], ["--security-opt", "no-new-privileges"],
                                  ["-t"]], ids=" ".join)
def test_profile(busybox, profile, more):
    profile(NO_SECRETS)
    confined = ["--security-opt", "apparmor=cleat-test-no-secrets", *more]
    assert busybox.out("run", "--rm", *confined, "busybox", *CURRENT).strip() == "cleat-test-no-secrets (enforce)"
    busybox.out("run", "-d", "--name", "cc", *confined, "busybox", "sleep", "1000")
    assert busybox.out("exec", "cc", *CURRENT) == "cleat-test-no-secrets (enforce)"
    r = busybox.cleat("exec", "cc", "sh", "-c", "echo a > /tmp/open && echo b > /tmp/secret", check=False)
    assert "can't create /tmp/secret: Permission denied" in r.stderr and "open" not in r.stderr
    assert json.loads(busybox.out("inspect", "cc"))[0]["AppArmorProfile"] == "cleat-test-no-secrets"


@needs_apparmor
def test_profile_that_is_not_loaded(busybox):
    r = busybox.cleat("run", "--security-opt", "apparmor=cleat-test-gone", "busybox", "true", check=False)
    assert r.returncode == 125 and "AppArmor profile cleat-test-gone (is it loaded?)" in r.stderr


@needs_apparmor
def test_default_profile(busybox, profile):
    unconfined = ["run", "--rm", "busybox", *CURRENT]
    assert busybox.out(*unconfined) == "unconfined"
    profile(DEFAULT.read_text(encoding="utf-8"))
    assert busybox.out("run", "--rm", "busybox", *CURRENT) == "cleat-default (enforce)"
    assert busybox.out("run", "--rm", "--privileged", "busybox", *CURRENT) == "unconfined"
    assert busybox.out("run", "--rm", "--security-opt", "apparmor=unconfined", "busybox", *CURRENT) == "unconfined"
    tries = "mount -t tmpfs t /tmp; echo 1 > /proc/sys/vm/overcommit_memory; cat /proc/kcore | head -c 1; echo end"
    r = busybox.cleat("run", "--rm", "--cap-add", "ALL", "--security-opt", "systempaths=unconfined", "--security-opt",
                      "seccomp=unconfined", "busybox", "sh", "-c", tries)
    assert r.stdout == "end\n" and r.stderr.count("ermission denied") == 3
    assert busybox.out("run", "--rm", "busybox", "sh", "-c", "echo x > /tmp/f; hostname; sleep 0 & wait; cat /tmp/f")
