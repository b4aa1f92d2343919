# SPDX-License-Identifier: Apache-2.0
"""AppArmor. Few kernels of test machines have it; that of `--stage vm` has."""
import json
import pathlib
import secrets
import subprocess

import pytest

import harness

ENABLED = pathlib.Path("/sys/module/apparmor/parameters/enabled")
HAS_APPARMOR = ENABLED.exists() and ENABLED.read_text(encoding="ascii").startswith("Y")
needs_apparmor = pytest.mark.skipif(not HAS_APPARMOR, reason="the kernel has no AppArmor")
POLICY = pathlib.Path("/sys/kernel/security/apparmor/policy/namespaces")
DEFAULT = harness.TOP / "packaging" / "apparmor" / "cleat-default"
NO_SECRETS = """
profile cleat-test-no-secrets flags=(attach_disconnected,mediate_deleted) {
  file, capability, network, signal, mount, umount, pivot_root,
  deny /**/secret rw,
}
"""
CURRENT = ["cat", "/proc/self/attr/current"]


@pytest.fixture
def policy():
    """A policy namespace of the test's own: profiles are the kernel's, and engines of tests beside this one would have
    those of this one, and lose them with their containers under way."""
    name = f"cleat-test-{secrets.token_hex(4)}"
    place = POLICY / name
    place.mkdir()
    yield name
    place.rmdir()  # with its profiles


@pytest.fixture
def apart(policy):
    """A fresh engine in that namespace, with the image busybox:latest."""
    with harness.Engine(inside=("aa-exec", "-n", policy, "--")) as e:
        e.load_busybox()
        yield e


@pytest.fixture
def profile(policy):
    """Loads profiles."""
    def load(text):
        subprocess.run(["apparmor_parser", "--skip-cache", "-r", "-n", policy], input=text, text=True, check=True)
    return load


@pytest.mark.skipif(HAS_APPARMOR, reason="the kernel has AppArmor")
def test_a_kernel_without(busybox):
    r = busybox.cleat("create", "--security-opt", "apparmor=some", "busybox", check=False)
    assert r.returncode == 1 and "apparmor=some: AppArmor is not enabled in this kernel" in r.stderr
    assert busybox.out("run", "--rm", "--security-opt", "apparmor=unconfined", "busybox", "echo", "ran") == "ran"


@needs_apparmor
@pytest.mark.parametrize("more", [[], ["--init"], ["--user", "7:8"], ["--security-opt", "no-new-privileges"],
                                  ["-t"]], ids=" ".join)
def test_profile(apart, profile, more):
    profile(NO_SECRETS)
    confined = ["--security-opt", "apparmor=cleat-test-no-secrets", *more]
    assert apart.out("run", "--rm", *confined, "busybox", *CURRENT).strip() == "cleat-test-no-secrets (enforce)"
    apart.out("run", "-d", "--name", "cc", *confined, "busybox", "sleep", "1000")
    assert apart.out("exec", "cc", *CURRENT) == "cleat-test-no-secrets (enforce)"
    r = apart.cleat("exec", "cc", "sh", "-c", "echo a > /tmp/open && echo b > /tmp/secret", check=False)
    assert "can't create /tmp/secret: Permission denied" in r.stderr and "open" not in r.stderr
    assert json.loads(apart.out("inspect", "cc"))[0]["AppArmorProfile"] == "cleat-test-no-secrets"


@needs_apparmor
def test_profile_that_is_not_loaded(apart):
    r = apart.cleat("run", "--security-opt", "apparmor=cleat-test-gone", "busybox", "true", check=False)
    assert r.returncode == 125 and "AppArmor profile cleat-test-gone (is it loaded?)" in r.stderr


@needs_apparmor
def test_default_profile(apart, profile):
    unconfined = ["run", "--rm", "busybox", *CURRENT]
    assert apart.out(*unconfined) == "unconfined"
    profile(DEFAULT.read_text(encoding="utf-8"))
    assert apart.out("run", "--rm", "busybox", *CURRENT) == "cleat-default (enforce)"
    assert apart.out("run", "--rm", "--privileged", "busybox", *CURRENT) == "unconfined"
    assert apart.out("run", "--rm", "--security-opt", "apparmor=unconfined", "busybox", *CURRENT) == "unconfined"
    tries = "mount -t tmpfs t /tmp; echo 1 > /proc/sys/vm/overcommit_memory; cat /proc/kcore | head -c 1; echo end"
    r = apart.cleat("run", "--rm", "--cap-add", "ALL", "--security-opt", "systempaths=unconfined", "--security-opt",
                    "seccomp=unconfined", "busybox", "sh", "-c", tries)
    assert r.stdout == "end\n" and r.stderr.count("ermission denied") == 3
    assert apart.out("run", "--rm", "busybox", "sh", "-c", "echo x > /tmp/f; hostname; sleep 0 & wait; cat /tmp/f")
