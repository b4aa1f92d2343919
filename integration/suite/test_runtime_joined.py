# SPDX-License-Identifier: Apache-2.0
"""cleat-oci and a pid namespace that others are in: they may trace whoever comes in, from his first moment on."""
import array
import contextlib
import json
import os
import pathlib
import socket
import struct
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

    def watch(self, script=SPY):
        (self.tmp / "canary").write_text("canary\n")
        caps = {k: CAPS + ["CAP_SYS_PTRACE"] for k in ("bounding", "effective", "permitted")}
        bundle = self.bundle("sh", "-c", script.replace("@TMP@", str(self.tmp)), process__capabilities=caps)
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
                              stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
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
    assert spied.oci("run", "-d", "--bundle", spied.join("sleep", "1000"), "c").returncode == 0
    for _ in range(3):
        spied.slowly("exec", "c", "true")
    assert spied.seen() <= ALLOWED


# Whatever pipe one that comes in has: names a process there.
FORGER = """echo there
while [ ! -e /enough ]; do
    for p in /proc/[0-9]*; do
        for fd in $p/fd/*; do
            case $fd in $p/fd/[012]) continue;; esac
            case $(ls -l $fd) in *pipe:*) printf '@PID@' >$fd;; esac
        done
    done 2>/dev/null
done"""


def test_who_traces_one_that_joins_cannot_have_it_name_another_process(tmp_path):
    """What the runtime takes for the container's process it kills, and joins the namespaces of."""
    spied = Spied(tmp_path)
    victim = subprocess.Popen(["sleep", "1000"])
    try:
        octal = "".join(f"\\{byte:03o}" for byte in victim.pid.to_bytes(4, "little"))
        spied.watch(FORGER.replace("@PID@", octal))
        subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=close,clone", "-e",
                        "inject=close:delay_enter=50000", "-e", "inject=clone:delay_exit=500000", OCI, "--root", spied.root,
                        "run", "-d", "--bundle", spied.join("true"), "c"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=60, check=True)
        assert json.loads((spied.root / "c/state.json").read_text())["pid"] != victim.pid
        spied.oci("delete", "--force", "c")
        assert victim.poll() is None
        spied.seen()
    finally:
        victim.kill()
        victim.wait()
        spied.close()


def test_an_init_has_no_more_capabilities_than_its_program(rt):
    out = rt.sh("cat /proc/1/status /proc/self/status", annotations={"dev.cleat.init": "true"})
    assert {line for line in out.splitlines() if line.startswith("CapPrm")} == {f"CapPrm:\t{mask(*CAPS)}"}


@pytest.mark.parametrize("ambient", [[], ["CAP_KILL"]], ids=["none", "ambient"])
def test_an_init_of_a_user_has_the_capabilities_of_its_program(rt, ambient):
    caps = {**{k: CAPS for k in ("bounding", "effective", "permitted")}, "inheritable": ambient, "ambient": ambient}
    out = rt.sh("cat /proc/1/status /proc/self/status", annotations={"dev.cleat.init": "true"},
                process__user={"uid": 1000, "gid": 1000}, process__capabilities=caps)
    for key in ("CapPrm", "CapEff"):
        assert [line for line in out.splitlines() if line.startswith(key)] == 2 * [f"{key}:\t{mask(*ambient)}"]


@pytest.mark.parametrize("user", [0, 1000])
def test_who_is_below_an_init_may_look_at_it(rt, user):
    """Cron jobs write to the container's log by /proc/1/fd/1. Of the runtime there is nothing to be seen."""
    os.chmod(rt.tmp, 0o755)
    log = rt.tmp / "log"
    log.touch(mode=0o666)
    log.chmod(0o666)
    bundle = rt.bundle("sh", "-c", "echo to the log >>/proc/1/fd/1; ls -l /proc/1/fd /proc/1/cwd; cat /proc/1/environ",
                       annotations={"dev.cleat.init": "true"}, process__user={"uid": user, "gid": user})
    with open(log, "a", encoding="utf-8") as out:
        done = subprocess.run([OCI, "--root", rt.root, "run", "--bundle", bundle, "c"], stdin=subprocess.DEVNULL, stdout=out,
                              stderr=out, check=False, timeout=60)
    out = log.read_text()
    assert done.returncode == 0 and "to the log\n" in out and "/proc/1/cwd -> /\n" in out, out
    assert " 2 -> " in out and " 3 -> " not in out and "PATH" not in out


@pytest.fixture
def rt(tmp_path):
    runtime = Runtime(tmp_path)
    yield runtime
    runtime.close()


def test_who_traces_one_that_joins_with_a_user_namespace_finds_nothing(mappable):
    """The spy has its capability in the user namespace above."""
    folder = mappable / "r"
    folder.mkdir(mode=0o700)
    spied = Spied(folder)
    try:
        spied.watch()
        first = [{"containerID": 0, "hostID": 0x20000000, "size": 65536}]
        bundle = spied.join("sh", "-c", "cat /proc/self/uid_map; echo $$; ls /dev/tty", linux__uidMappings=first,
                            linux__gidMappings=first, linux__namespaces=[
                                {"type": "pid", "path": f"/proc/{spied.pid}/ns/pid"}, {"type": "user"},
                                *({"type": kind} for kind in KINDS)])
        for _ in range(3):
            out = spied.slowly("run", "--bundle", bundle, "c")
            assert str(0x20000000) in out and int(out.split()[3]) > 1 and out.endswith("/dev/tty\n")
        assert spied.seen() <= ALLOWED
    finally:
        spied.close()


@pytest.mark.parametrize("spied_on", [True, False], ids=["joined", "own"])
def test_what_waits_for_its_start_is_as_confined_as_its_program(spied, spied_on):
    """Who comes to it with a capability to trace finds nothing in it."""
    change = {} if spied_on else {"linux__namespaces": [{"type": t} for t in ("pid", *KINDS)]}
    assert spied.oci("create", "--bundle", spied.join("sleep", "1000", **change), "c").returncode == 0
    pid = json.loads(spied.oci("state", "c").stdout)["pid"]
    assert f"CapPrm:\t{mask(*CAPS)}\n" in pathlib.Path(f"/proc/{pid}/status").read_text()
    opened = [os.readlink(fd.path) for fd in os.scandir(f"/proc/{pid}/fd") if int(fd.name) > 2]
    assert all(path.startswith("socket:") or path.endswith(".fifo") for path in opened), opened
    assert not pathlib.Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0")
    assert spied.oci("start", "c").returncode == 0
    harness.wait_until(lambda: b"sleep" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes(), what="the program")
    spied.oci("delete", "--force", "c")


def test_the_proc_of_one_that_joins(spied):
    """With its own options, masks and read-only paths; and by kernels that cannot make one from outside."""
    hidden = [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev", *more]}
              for more in ([], ["hidepid=2"])]
    rest = json.loads((spied.join("true") / "config.json").read_text())["mounts"][1:]
    look = "echo echo there; cat /proc/1/cmdline | tr -d '\\0'; grep ' /proc ' /proc/mounts; echo x >/proc/sys/kernel/panic"
    for mount in hidden:
        out = spied.sh(f"{look} || true", mounts=[mount, *rest],
                       linux__namespaces=json.loads((spied.join("true") / "config.json").read_text())["linux"]["namespaces"])
        assert "while" in out and "nosuid,nodev,noexec" in out and ("hidepid" in out) == (mount is hidden[1])


OLD = ("strace", "-f", "-o", "/dev/null", "-e", "trace=fsconfig", "-e", "inject=fsconfig:error=EINVAL:when=1")


def older(spied, bundle):
    return subprocess.run([*OLD, OCI, "--root", spied.root, "run", "--bundle", bundle, "c"], capture_output=True, text=True,
                          timeout=60, check=False)


def test_the_proc_of_one_that_joins_before_linux_6_17(spied):
    done = older(spied, spied.join("sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; grep ' /proc ' /proc/mounts; ls -d /proc/self/"))
    assert done.returncode == 0 and "while" in done.stdout and "/proc/self/" in done.stdout, done
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["hidepid=2"]}]
    done = older(spied, spied.join("true", mounts=mounts))
    assert done.returncode == 125 and "need Linux 6.17" in done.stderr
    named = spied.tmp / "named"
    named.touch()
    subprocess.run(["mount", "--bind", f"/proc/{spied.pid}/ns/pid", named], check=True)
    try:
        kinds = [{"type": "pid", "path": str(named)}, *({"type": kind} for kind in KINDS)]
        assert spied.run("true", linux__namespaces=kinds).returncode == 0
        done = older(spied, spied.join("true", linux__namespaces=kinds))
        assert done.returncode == 125 and "/proc/PID/ns/pid" in done.stderr
    finally:
        subprocess.run(["umount", named], check=True)


@pytest.mark.parametrize("mounts", [[], [{"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}]], ids=["none", "another"])
def test_the_proc_of_one_that_has_none_before_linux_6_17(rt, mounts):
    alone = {"mounts": mounts, "linux__maskedPaths": [], "linux__readonlyPaths": []}
    assert rt.oci("run", "-d", "--bundle", rt.bundle("sleep", "1000", **alone), "one").returncode == 0
    pid = json.loads(rt.oci("state", "one").stdout)["pid"]
    done = older(rt, rt.bundle("true", linux__namespaces=[{"type": "pid", "path": f"/proc/{pid}/ns/pid"},
                                                          *({"type": kind} for kind in KINDS)]))
    assert done.returncode == 125 and ("has none at /proc" in done.stderr or "clone /proc" in done.stderr), done


def test_a_terminal_of_one_that_joins(spied):
    path = str(spied.tmp / "console")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        bundle = spied.join("sh", "-c", "tty; echo x >/dev/tty; stty size; read x; echo got $x", process__terminal=True,
                            process__consoleSize={"height": 30, "width": 90})
        assert spied.oci("run", "-d", "--console-socket", path, "--bundle", bundle, "c").returncode == 0
        with server.accept()[0] as sock:
            fds = array.array("i")
            _, anc, _, _ = sock.recvmsg(64, socket.CMSG_SPACE(4))
            fds.frombytes(anc[0][2][:4])
    with os.fdopen(fds[0], "r+b", buffering=0) as master:
        master.write(b"word\n")
        text = b""
        with contextlib.suppress(OSError):
            while data := master.read(4096):
                text += data
    assert all(word in text.decode() for word in ("/dev/pts/0\r\n", "x\r\n", "30 90\r\n", "got word\r\n")), text


def test_hooks_of_one_that_joins(spied):
    """Those that see the host's files are not in the pid namespace; startContainer's is, and has no more rights than the
    program."""
    log = spied.tmp / "hooks.log"
    script = "echo {0} $(readlink /proc/self/ns/pid) >> {1}; cat >> {1}"
    hooks = {name: [{"path": "/bin/sh", "args": ["sh", "-c", script.format(name, log)], "env": ["PATH=/bin:/usr/bin"]}]
             for name in ("prestart", "createRuntime", "createContainer", "poststart")}
    hooks["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat /proc/self/status; echo $PPID; cat"]}]
    out = spied.sh("echo $$", hooks=hooks, linux__namespaces=[{"type": "pid", "path": f"/proc/{spied.pid}/ns/pid"},
                                                              *({"type": kind} for kind in KINDS)])
    text = log.read_text()
    for name in ("prestart", "createRuntime", "createContainer"):
        assert f"{name} {os.readlink('/proc/self/ns/pid')}\n" in text
    document, program = out[out.index("{"):].rsplit("}", 1)
    program = program.strip()
    assert json.loads(document + "}")["pid"] == int(program)
    assert f"\n{program}\n{{" in out and f"CapPrm:\t{mask(*CAPS)}\n" in out


@pytest.mark.parametrize("joins", [True, False], ids=["joined", "own"])
def test_limits_of_processes_hold_for_those_of_the_container_alone(spied, joins):
    """Who makes it counts neither in its cgroup nor among its user's."""
    change = {"linux__resources": {"pids": {"limit": 1}}, "process__user": {"uid": 7777, "gid": 7777},
              "process__rlimits": [{"type": "RLIMIT_NPROC", "soft": 2, "hard": 2}]}
    if not joins:
        change["linux__namespaces"] = [{"type": t} for t in ("pid", *KINDS)]
    done = spied.oci("run", "--bundle", spied.join("cat", "/proc/self/limits", **change), "c")
    assert done.returncode == 0 and "Max processes             2                    2 " in done.stdout, done
    change["linux__resources"] = {}
    assert spied.oci("run", "-d", "--bundle", spied.join("sleep", "1000", **change), "d").returncode == 0
    done = spied.oci("exec", "d", "cat", "/proc/self/limits")
    assert done.returncode == 0 and "Max processes             2                    2 " in done.stdout, done


@pytest.mark.parametrize("initial", ["true", "false"])
def test_a_filter_that_refuses_to_close_leaves_nothing_open(rt, initial):
    """Neither for the program nor for its init, into which it may look."""
    refusing = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": ["close_range"], "action": "SCMP_ACT_ERRNO"}]}
    there = os.open(rt.tmp, os.O_RDONLY)
    try:
        done = rt.oci("run", "--bundle", rt.bundle("sh", "-c", "ls -l /proc/self/fd /proc/1/fd /proc/1/environ; cat /proc/1/environ",
                                                   linux__seccomp=refusing, annotations={"dev.cleat.init": initial}), "c",
                      pass_fds=[there], env={**os.environ, "SECRET": "canary"})
    finally:
        os.close(there)
    assert str(rt.tmp) not in done.stdout and "canary" not in done.stdout, done.stdout
    assert "pipe:" in done.stdout


@pytest.mark.parametrize("action", ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS"])
def test_a_filter_that_refuses_to_fork_refuses_no_exec(spied, action):
    """Nor one to join. It is as valid for the program as it was."""
    refusing = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": ["clone", "clone3", "fork", "vfork"], "action": action}]}
    bundle = spied.join("sleep", "1000", linux__seccomp=refusing)
    assert spied.oci("run", "-d", "--bundle", bundle, "c").returncode == 0
    assert spied.oci("exec", "c", "echo", "there").stdout == "there\n"
    for command in (["exec", "c"], ["run", "--bundle", spied.join("sh", "-c", "true & echo child", linux__seccomp=refusing), "d"]):
        done = spied.oci(*command, *(["sh", "-c", "true & echo child"] if command[0] == "exec" else []))
        assert done.returncode and "child" not in done.stdout


def test_what_others_have_one_tell_is_not_taken_for_more(rt):
    """Who traces one that waits for its start has its way to who starts it."""
    assert rt.oci("create", "--bundle", rt.bundle("sleep", "1000"), "c").returncode == 0
    pid = json.loads(rt.oci("state", "c").stdout)["pid"]
    fifo = next(fd.path for fd in os.scandir(f"/proc/{pid}/fd") if os.readlink(fd.path).endswith("exec.fifo"))
    told = struct.pack("=I32siIi?48s240s3x", 6, b"start\033[2J", 256, 2**31, 0, False, b"r" * 48, b"\033[2Jm\n" + b"m" * 240)
    with open(fifo, "wb", buffering=0) as out:
        out.write(told)
    done = rt.oci("start", "c")
    assert done.returncode == 125 and "\033" not in done.stderr and done.stderr.count("\n") == 1, done
    assert done.stderr.startswith("cleat-oci: start: ?[2Jm?mmm"), done
