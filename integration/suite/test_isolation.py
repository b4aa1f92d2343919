# SPDX-License-Identifier: Apache-2.0
"""Security options, privileges, and namespaces other than a container's own."""
import json
import os
import pathlib
import subprocess

import pytest

import cgroups
import harness

DENY = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    {"names": ["chmod", "fchmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}}]}


def run(engine, *words):
    return engine.cleat("run", "--rm", *words, check=False)


def status(engine, *flags):
    lines = engine.out("run", "--rm", *flags, "busybox", "cat", "/proc/self/status").splitlines()
    return {line.split(":")[0]: line.split(":")[1].strip() for line in lines}


def bounding():
    text = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return next(line.split()[1] for line in text.splitlines() if line.startswith("CapBnd"))


def test_who_has_no_privileges_executes_no_program_of_a_container(busybox):
    """On the host a program that becomes root would become the host's; nor with a state of an earlier release."""
    busybox.root.chmod(0o755)
    (busybox.state / "containers").chmod(0o711)
    busybox.kill()
    busybox.start()
    busybox.out("run", "-d", "--name", "one", "-v", "vol:/vol", "-v", "/usr/bin/id:/id", "busybox", "sh", "-c",
                "for f in /trap /vol/trap; do cp /id $f && chmod 4755 $f; done; exec sleep 1000")
    busybox.out("exec", "one", "sh", "-c", "until [ -u /vol/trap ]; do usleep 1000; done")
    traps = list(busybox.state.glob("*/*/*/trap"))
    assert {trap.parent.name for trap in traps} == {"upper", "_data"}
    for trap in traps:
        with pytest.raises(PermissionError):
            subprocess.run([trap], user=12345, group=12345, extra_groups=[], check=False)


def test_a_seccomp_profile_of_ones_own(busybox, tmp_path):
    """Its rules hold, those of a capability only with the capability."""
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(DENY))
    option = ("--security-opt", f"seccomp={profile}")
    done = run(busybox, *option, "busybox", "mkdir", "/x")
    assert done.returncode == 1 and "Function not implemented" in done.stderr
    assert run(busybox, *option, "busybox", "chmod", "700", "/tmp").returncode == 0
    assert run(busybox, *option, "--cap-add", "SYS_ADMIN", "busybox", "chmod", "700", "/tmp").returncode == 1
    busybox.out("run", "-d", "--name", "one", *option, "busybox", "sleep", "1000")
    assert busybox.cleat("exec", "one", "mkdir", "/x", check=False).returncode == 1
    busybox.kill()
    busybox.start()
    busybox.out("restart", "-t", "0", "one")
    assert busybox.cleat("exec", "one", "mkdir", "/x", check=False).returncode == 1


@pytest.mark.parametrize("text, words", [
    ("{", "seccomp profile, line 1"),
    ("[]", "expected unconfined, builtin or a profile"),
    ("{}", "defaultAction is missing"),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"]}]}', "names and an action"),
])
def test_a_bad_profile_is_refused(busybox, tmp_path, text, words):
    profile = tmp_path / "profile.json"
    profile.write_text(text)
    done = busybox.cleat("create", "--security-opt", f"seccomp={profile}", "busybox", check=False)
    assert done.returncode in (1, 125) and words in done.stderr, done
    assert busybox.out("ps", "-aq") == ""


def test_options_of_security(busybox):
    assert status(busybox)["Seccomp"] == "2" and status(busybox)["NoNewPrivs"] == "0"
    assert status(busybox, "--security-opt", "seccomp=unconfined")["Seccomp"] == "0"
    for text in ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"):
        assert status(busybox, "--security-opt", text)["NoNewPrivs"] == "1"
    assert status(busybox, "--security-opt", "no-new-privileges=false")["NoNewPrivs"] == "0"
    hidden = lambda *flags: run(busybox, *flags, "busybox", "sh", "-c", "head -c1 /proc/timer_list | wc -c").stdout
    assert hidden().strip() == "0"
    if os.access("/proc/timer_list", os.R_OK):
        assert hidden("--security-opt", "systempaths=unconfined").strip() == "1"
    assert run(busybox, "--security-opt", "label=type:svirt_t", "busybox", "true").returncode == 0
    done = busybox.cleat("create", "--security-opt", "apparmour=x", "busybox", check=False)
    assert "invalid --security-opt apparmour=x" in done.stderr


def test_privileged_has_what_the_host_has(busybox):
    """Capabilities are clipped to the host's own bounding set; its devices are there and can be opened."""
    seen = status(busybox, "--privileged")
    assert seen["CapEff"] == seen["CapBnd"] == bounding()
    assert seen["Seccomp"] == "0"
    assert status(busybox, "--cap-add", "ALL")["CapEff"] == bounding()
    disks = {p.name for p in pathlib.Path("/dev").iterdir() if p.is_block_device()}  # other tests make loop devices
    names = set(run(busybox, "--privileged", "busybox", "ls", "/dev").stdout.split())
    assert disks <= names
    assert {"null", "tty", "pts", "shm", "ptmx"} <= names
    assert run(busybox, "--privileged", "busybox", "sh", "-c", ": </dev/loop-control").returncode == 0


def test_namespaces_of_the_host(busybox):
    link = lambda kind, *flags: busybox.out("run", "--rm", *flags, "busybox", "readlink", f"/proc/self/ns/{kind}")
    for kind, flag in (("pid", "--pid"), ("ipc", "--ipc"), ("uts", "--uts"), ("cgroup", "--cgroupns")):
        host = os.readlink(f"/proc/self/ns/{kind}")
        assert link(kind, flag, "host") == host
        assert link(kind) != host
    assert busybox.out("run", "--rm", "--uts", "host", "busybox", "hostname") == os.uname().nodename
    assert run(busybox, "--userns", "host", "busybox", "true").returncode == 0


def test_memory_shared_with_the_host(busybox):
    path = pathlib.Path("/dev/shm", f"cleat-test-{os.getpid()}")
    path.write_text("shared")
    try:
        assert busybox.out("run", "--rm", "--ipc", "host", "busybox", "cat", path) == "shared"
        assert run(busybox, "busybox", "cat", path).returncode == 1
    finally:
        path.unlink()
    assert run(busybox, "--ipc", "none", "busybox", "ls", "/dev/shm").returncode == 1


@pytest.mark.parametrize("flags, words", [
    (("--uts", "host", "--hostname", "x"), "conflicting options: hostname and the UTS mode"),
    (("--pid", "elsewhere"), "invalid pid mode: elsewhere"),
    (("--ipc", "elsewhere"), "invalid ipc mode: elsewhere"),
    (("--uts", "elsewhere"), "invalid uts mode: elsewhere"),
    (("--cgroupns", "elsewhere"), "invalid cgroup namespace mode: elsewhere"),
    (("--cap-add", "FLY"), "unknown capability: FLY"),
    (("--cgroup-parent", "../x"), 'invalid cgroup parent "../x"'),
    (("--cgroup-parent", "a//b"), 'invalid cgroup parent "a//b"'),
    (("--cgroup-parent", "/"), 'invalid cgroup parent "/"'),
    (("--cgroup-parent", "cleat-00000000"), 'invalid cgroup parent "cleat-00000000"'),
])
def test_bad_options(busybox, flags, words):
    done = busybox.cleat("create", *flags, "busybox", check=False)
    assert done.returncode in (1, 125) and words in done.stderr, done
    assert busybox.out("ps", "-aq") == ""


@pytest.fixture
def parent():
    """The path of a group, and its directories in all hierarchies."""
    name = f"cleattest{os.getpid()}"
    roots = [cgroups.ROOT] if cgroups.V2 else [p for p in cgroups.ROOT.iterdir() if p.is_dir() and not p.is_symlink()
                                               and p.name != "unified"]
    yield name, [root / name for root in roots]
    for root in roots:
        for folder, _, _ in os.walk(root / name, topdown=False):  # that of a container that was removed goes a moment later
            harness.Engine.remove_group(pathlib.Path(folder))


def test_a_group_above(busybox, parent):
    """The container is in it, is limited and looked at there, and leaves nothing of its own."""
    name, folders = parent
    busybox.out("run", "-d", "--name", "one", "--cgroup-parent", f"/{name}/sub", "--pids-limit", "10", "busybox", "sleep",
                "1000")
    ident = busybox.out("inspect", "--format", "{{.Id}}", "one")
    groups = [f / "sub" / ident for f in folders if (f / "sub" / ident).is_dir()]
    pids = next(g / "pids.max" for g in groups if (g / "pids.max").exists())
    assert pids.read_text() == "10\n"
    assert len(busybox.out("top", "one").splitlines()) == 2
    assert busybox.out("stats", "--no-stream", "--format", "{{.PIDs}}", "one") == "1"
    busybox.out("pause", "one")
    busybox.out("unpause", "one")
    busybox.out("update", "--pids-limit", "20", "one")
    assert pids.read_text() == "20\n"
    busybox.kill()
    busybox.start()
    assert busybox.out("stats", "--no-stream", "--format", "{{.PIDs}}", "one") == "1"
    busybox.out("rm", "-f", "one")
    harness.wait_until(lambda: not any(g.exists() for g in groups), what="the end of its groups")
    assert json.loads(busybox.out("system", "info", "--format", "{{json .}}"))


@pytest.mark.skipif(cgroups.V2, reason="what is above limits anyway")
def test_processors_of_the_group_above(busybox, parent):
    name, _ = parent
    group = cgroups.ROOT / "cpuset" / name
    group.mkdir()
    (group / "cpuset.cpus").write_text("0")
    (group / "cpuset.mems").write_text("0")
    assert status(busybox, "--cgroup-parent", name)["Cpus_allowed_list"] == "0"
    assert (group / "cpuset.cpus").read_text() == "0\n"


def test_no_sysctl_of_the_hosts_by_another_container(busybox):
    """A network joined may be the host's. (What would be written is what there is.)"""
    now = pathlib.Path("/proc/sys/net/ipv4/ip_default_ttl").read_text(encoding="ascii").strip()
    for mode, taken in (("host", False), ("none", True)):
        busybox.out("run", "-d", "--name", mode, "--network", mode, "busybox", "sleep", "1000")
        done = busybox.cleat("run", "--network", f"container:{mode}", "--sysctl", f"net.ipv4.ip_default_ttl={now}", "busybox",
                             "true", check=False)
        assert (done.returncode == 0) == taken, done
        assert taken or "net.ipv4.ip_default_ttl is not allowed in the host's namespace" in done.stderr
