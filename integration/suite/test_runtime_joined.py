# SPDX-License-Identifier: Apache-2.0
"""cleat-oci and a pid namespace that others are in: they may trace whoever comes in, from his first moment on."""
import json
import os
import subprocess

import pytest

import harness
import test_runtime
from test_runtime import CAPS, OCI, Runtime

pytestmark = test_runtime.pytestmark
KINDS = ("network", "ipc", "uts", "mount", "cgroup")
# Looks for the host's file in all that another process has open, and at what others may do; never at itself.
SPY = """echo there
while [ ! -e /enough ]; do
    for p in /proc/[0-9]*; do
        [ "$p" = /proc/1 ] || for way in $p/root @TMP@ $p/cwd $p/fd/*; do
            for up in . .. ../.. ../../.. ../../../..; do [ ! -e $way/$up/canary ] || cat $way/$up/canary; done
            [ ! -e $way@TMP@/canary ] || cat $way@TMP@/canary
        done
        while read -r key value; do [ $key != CapPrm: ] || echo $value; done <$p/status
    done 2>/dev/null
done"""


def mask(*names):
    bits = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_SETUID": 7, "CAP_SYS_PTRACE": 19}
    return f"{sum(1 << bits[name] for name in names):016x}"


class Spied(Runtime):
    """A runtime with a container `spy` that watches its pid namespace."""

    def watch(self):
        (self.tmp / "canary").write_text("canary\n")
        caps = {k: CAPS + ["CAP_SYS_PTRACE"] for k in ("bounding", "effective", "permitted")}
        bundle = self.bundle("sh", "-c", SPY.replace("@TMP@", str(self.tmp)), process__capabilities=caps)
        with open(self.tmp / "seen", "w", encoding="utf-8") as out:
            subprocess.run([OCI, "--root", self.root, "run", "-d", "--bundle", bundle, "spy"], stdin=subprocess.DEVNULL,
                           stdout=out, check=True)
        self.pid = json.loads(self.oci("state", "spy").stdout)["pid"]
        harness.wait_until(lambda: "there" in (self.tmp / "seen").read_text(), what="the spy")

    def join(self, *args, **change):
        change.setdefault("linux__namespaces", [{"type": "pid", "path": f"/proc/{self.pid}/ns/pid"},
                                                *({"type": kind} for kind in KINDS)])
        return self.bundle(*args, **change)

    def slowly(self, *args, code=0):
        """The runtime, each of whose steps lasts long enough to be seen."""
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=close,setns,execve,prctl,openat", "-e",
                               "inject=close,setns,execve,prctl,openat:delay_enter=10000", OCI, "--root", self.root,
                               *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout
        return done.stdout

    def seen(self):
        (self.rootfs / "enough").touch()
        harness.wait_until(lambda: json.loads(self.oci("state", "spy").stdout)["status"] == "stopped", what="the spy's end")
        return set((self.tmp / "seen").read_text().split()) - {"there"}


@pytest.fixture
def spied(tmp_path):
    runtime = Spied(tmp_path)
    runtime.watch()
    yield runtime
    runtime.close()


ALLOWED = {mask(*CAPS), mask(*CAPS, "CAP_SYS_PTRACE")}


@pytest.mark.parametrize("change", [{}, {"annotations": {"dev.cleat.init": "true"}}, {"process__noNewPrivileges": False}],
                         ids=["plain", "init", "new privileges"])
def test_who_traces_one_that_joins_finds_nothing_of_the_hosts(spied, change):
    bundle = spied.join("sh", "-c", "ps; echo x", **change)
    for _ in range(3):
        out = spied.slowly("run", "--bundle", bundle, "c")
        assert "echo there" in out and out.endswith("x\n")
    assert spied.seen() <= ALLOWED


def test_one_that_waits_for_its_start_has_nothing_of_the_hosts(spied):
    hook = [{"path": "/bin/sh", "args": ["sh", "-c", "cat >/state; echo $$ >/hook"]}]
    bundle = spied.join("sleep", "1", hooks={"startContainer": hook})
    assert spied.oci("create", "--bundle", bundle, "c").returncode == 0
    state = json.loads(spied.oci("state", "c").stdout)
    assert state["status"] == "created"
    assert os.readlink(f"/proc/{state['pid']}/ns/pid") == os.readlink(f"/proc/{spied.pid}/ns/pid")
    assert not [fd for fd in os.scandir(f"/proc/{state['pid']}/fd") if fd.is_dir()]
    spied.slowly("start", "c")
    assert (spied.rootfs / "hook").exists() and json.loads((spied.rootfs / "state").read_text())["pid"] < state["pid"]
    spied.oci("delete", "--force", "c")
    assert spied.seen() <= ALLOWED


def test_an_exec_beside_one_that_traces_gives_it_nothing(spied):
    """Neither in the container that joined nor in the one that was joined, which has no such capability itself."""
    assert spied.oci("run", "-d", "--bundle", spied.join("sleep", "60"), "c").returncode == 0
    for _ in range(3):
        spied.slowly("exec", "c", "true")
    assert spied.seen() <= ALLOWED


def test_an_init_has_no_more_capabilities_than_its_program(rt):
    out = rt.sh("cat /proc/1/status /proc/self/status", annotations={"dev.cleat.init": "true"})
    assert {line for line in out.splitlines() if line.startswith("CapPrm")} == {f"CapPrm:\t{mask(*CAPS)}"}


@pytest.fixture
def rt(tmp_path):
    runtime = Runtime(tmp_path)
    yield runtime
    runtime.close()
