# SPDX-License-Identifier: Apache-2.0
"""cleat-oci as a command line of its own: what a container sees, and what is left behind."""
import array
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

import pytest

import harness

OCI = harness.BIN / "cleat-oci"
BUSYBOX = "/bin/busybox"
APPLETS = "sh true false id cat ls mount sleep ps echo stty touch kill grep hostname tty ulimit".split()
CAPS = ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"]
NOTIFY = struct.Struct("=IIiiiI32s240s")

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists(BUSYBOX),
                                reason="needs root and busybox-static")


class Runtime:
    """Bundles and containers of one test, in a directory of their own."""

    def __init__(self, tmp):
        self.tmp = tmp
        self.root = tmp / "root"
        self.group = f"cleat-test-{os.getpid()}-{tmp.name}"
        self.rootfs = tmp / "rootfs"
        (self.rootfs / "bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, self.rootfs / "bin/busybox")
        for name in APPLETS:
            (self.rootfs / "bin" / name).symlink_to("busybox")

    def bundle(self, *args, **change):
        path = self.tmp / f"bundle{len(list(self.tmp.iterdir()))}"
        path.mkdir()
        (path / "rootfs").mkdir()
        caps = {k: CAPS for k in ("bounding", "effective", "permitted")}
        config = {
            "ociVersion": "1.1.0",
            "root": {"path": str(self.rootfs)},
            "hostname": "box",
            "process": {"args": list(args), "cwd": "/", "env": ["PATH=/bin"],
                        "user": {"uid": 0, "gid": 0}, "capabilities": caps,
                        "noNewPrivileges": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "mode=755", "size=65536k"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs",
                 "options": ["nosuid", "noexec", "nodev", "ro"]},
                {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                 "options": ["nosuid", "noexec", "nodev", "ro"]}],
            "linux": {
                "cgroupsPath": f"/{self.group}/{path.name}",
                "namespaces": [{"type": t} for t in
                               ("pid", "network", "ipc", "uts", "mount", "cgroup")],
                "resources": {"devices": [{"allow": False, "access": "rwm"}]},
                "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/nowhere"],
                "readonlyPaths": ["/proc/sys", "/proc/bus"]},
        }
        for key, value in change.items():
            at = config
            *way, last = key.split("__")
            for step in way:
                at = at.setdefault(step, {})
            at[last] = value
        (path / "config.json").write_text(json.dumps(config))
        return path

    def oci(self, *args, **kw):
        kw.setdefault("timeout", 60)
        if args[0] == "create" or "-d" in args:  # a pipe would be held open by the container
            with open(self.tmp / "stderr", "w+", encoding="utf-8") as err:
                r = subprocess.run([OCI, "--root", self.root, *map(str, args)], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=err, **kw)
                err.seek(0)
                r.stderr = err.read()
                return r
        return subprocess.run([OCI, "--root", self.root, *map(str, args)], text=True,
                              capture_output=True, **kw)

    def run(self, *args, name="c", **change):
        return self.oci("run", "--bundle", self.bundle(*args, **change), name)

    def sh(self, script, **change):
        r = self.run("sh", "-c", script, **change)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def cgroups(self):
        found = []
        for base in pathlib.Path("/sys/fs/cgroup").iterdir():
            if (base / self.group).is_dir():
                found += [p for p in (base / self.group).iterdir() if p.is_dir()]
        return found

    def close(self):
        for path in self.root.glob("[!.]*") if self.root.exists() else ():
            self.oci("delete", "--force", path.name)
        left = self.cgroups()
        for base in pathlib.Path("/sys/fs/cgroup").iterdir():
            if (base / self.group).is_dir():
                (base / self.group).rmdir()
        assert not left
        assert not [p for p in self.root.glob("[!.]*")]
        assert str(self.tmp) not in pathlib.Path("/proc/mounts").read_text()


@pytest.fixture
def rt(tmp_path):
    runtime = Runtime(tmp_path)
    yield runtime
    runtime.close()


def test_exit_code_is_the_programs(rt):
    assert rt.run("true").returncode == 0
    assert rt.run("sh", "-c", "exit 7").returncode == 7
    assert rt.run("sh", "-c", "kill -9 $$; sleep 9", annotations={"dev.cleat.init": "true"}
                  ).returncode == 137


@pytest.mark.parametrize("program,code,text", [
    ("nosuch", 127, "executable file not found in $PATH"),
    ("/nosuch", 127, "no such file"),
    ("/proc", 126, "permission denied"),
])
def test_program_that_cannot_run(rt, program, code, text):
    r = rt.run(program)
    assert r.returncode == code and text in r.stderr


def test_what_the_container_sees(rt):
    out = rt.sh("hostname; cat /proc/self/cgroup; ls /dev; ps; cat /proc/1/status")
    assert out.startswith("box\n")
    assert rt.group not in out  # cgroup namespace
    assert "PID" in out and "urandom" in out and "ptmx" in out
    assert f"CapEff:\t{1 << 0 | 1 << 5 | 1 << 7:016x}" in out
    assert f"CapBnd:\t{1 << 0 | 1 << 5 | 1 << 7:016x}" in out
    assert "NoNewPrivs:\t1" in out


def test_paths_are_hidden_and_read_only(rt):
    out = rt.sh("cat /proc/keys; ls /proc/acpi; touch /proc/sys/kernel/hostname2 2>&1;"
                "echo x > /proc/sys/kernel/hostname || echo ro; mount", )
    assert "ro\n" in out and " on /proc/sys type proc (ro" in out


def test_the_mask_of_files_is_not_that_of_who_calls(rt):
    """Neither for a container nor for an exec, which has the one of the container."""
    assert rt.oci("run", "-d", "--bundle", rt.bundle("sleep", "1000"), "c").returncode == 0
    assert rt.oci("run", "-d", "--bundle", rt.bundle("sleep", "1000", process__user={"uid": 0, "gid": 0, "umask": 0o27}),
                  "d").returncode == 0
    done = [subprocess.run([OCI, "--root", rt.root, "exec", name, "sh", "-c", "umask"], capture_output=True, text=True,
                           umask=0o77, check=False, timeout=60).stdout for name in "cd"]
    done.append(subprocess.run([OCI, "--root", rt.root, "run", "--bundle", rt.bundle("sh", "-c", "umask"), "e"], umask=0o77,
                               capture_output=True, text=True, check=False, timeout=60).stdout)
    assert done == ["0022\n", "0027\n", "0022\n"]


def test_user_groups_cwd_umask(rt):
    r = rt.run("sh", "-c", "id; umask; cat /proc/self/status", process__user={
        "uid": 1000, "gid": 1001, "umask": 0o27, "additionalGids": [5, 6]})
    assert "uid=1000 gid=1001 groups=5,6" in r.stdout and "0027" in r.stdout
    assert "CapEff:\t0000000000000000" in r.stdout


def test_rlimits(rt):
    out = rt.sh("ulimit -n; ulimit -Hn", process__rlimits=[
        {"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}])
    assert out == "100\n200\n"


def test_limits_reach_the_cgroup(rt):
    rt.bundle("true")
    b = rt.bundle("sleep", "1000", linux__resources={
        "memory": {"limit": 64 << 20}, "pids": {"limit": 20}, "cpu": {"shares": 512},
        "devices": [{"allow": False, "access": "rwm"}]})
    assert rt.oci("run", "-d", "--bundle", b, "c").returncode == 0
    group = f"{rt.group}/{b.name}"
    base = pathlib.Path("/sys/fs/cgroup")
    if (base / "pids").is_dir():
        assert (base / "pids" / group / "pids.max").read_text() == "20\n"
        assert (base / "memory" / group / "memory.limit_in_bytes").read_text() == f"{64 << 20}\n"
        devices = (base / "devices" / group / "devices.list").read_text()
        assert "c 1:3 rwm" in devices and "a *:* rwm" not in devices
    else:
        assert (base / group / "pids.max").read_text() == "20\n"


def test_bind_mounts(rt):
    host = rt.tmp / "host"
    host.mkdir()
    (host / "file").write_text("hello\n")
    (rt.rootfs / "etc").mkdir()
    (rt.rootfs / "evil").symlink_to("/../../../../../../etc")
    mounts = json.loads((rt.bundle("true") / "config.json").read_text())["mounts"]
    mounts += [{"destination": "/data/deep", "type": "bind", "source": str(host),
                "options": ["rbind", "ro"]},
               {"destination": "/evil/x", "type": "bind", "source": str(host / "file"),
                "options": ["bind"]}]
    out = rt.sh("cat /data/deep/file /etc/x; touch /data/deep/no || echo ro", mounts=mounts)
    assert out == "hello\nhello\nro\n"
    assert (rt.rootfs / "etc/x").exists() and not os.path.exists("/etc/x")


def test_overlay_of_directories_and_descriptors(rt):
    dirs = {n: rt.tmp / n for n in ("low", "upper", "work")}
    for path in dirs.values():
        path.mkdir()
    (dirs["low"] / "word").write_text("low\n")
    clone = 1  # OPEN_TREE_CLONE: a detached mount, as a layer driver hands it over
    fd = ctypes.CDLL(None).syscall(428, -100, str(dirs["low"]).encode(), clone)
    os.set_inheritable(fd, True)
    b = rt.bundle("sh", "-c", "cat /word; echo new > /new", root__path="rootfs", annotations={
        "dev.cleat.overlay.lower": f"fd:{fd}\n{rt.rootfs}",
        "dev.cleat.overlay.upper": str(dirs["upper"]), "dev.cleat.overlay.work": str(dirs["work"])})
    r = rt.oci("run", "--bundle", b, "c", pass_fds=[fd])
    os.close(fd)
    if harness.KERNEL < (6, 13):
        assert r.returncode == 125 and "this kernel takes no detached mount as an overlay layer" in r.stderr
        return
    assert (r.returncode, r.stdout) == (0, "low\n"), r.stderr
    assert (dirs["upper"] / "new").read_text() == "new\n"


def test_seccomp_and_its_cache(rt):
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat", "nosuchcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]}
    for _ in range(2):
        out = rt.sh("busybox mkdir /x 2>&1; grep Seccomp: /proc/self/status",
                    linux__seccomp=profile)
        assert "Cannot assign requested address" in out and "Seccomp:\t2" in out
    assert len(list((rt.root / ".seccomp").iterdir())) == 1


def test_create_start_state_kill_delete(rt):
    b = rt.bundle("sleep", "1000", annotations={"a": "b"})
    pid_file = rt.tmp / "pid"
    status = lambda: json.loads(rt.oci("state", "c").stdout)["status"]
    assert rt.oci("create", "--bundle", b, "--pid-file", pid_file, "c").returncode == 0
    assert rt.oci("create", "--bundle", b, "c").returncode == 125
    state = json.loads(rt.oci("state", "c").stdout)
    assert state["status"] == "created" and state["annotations"] == {"a": "b"}
    assert state["pid"] == int(pid_file.read_text())
    assert rt.oci("start", "c").returncode == 0
    assert rt.oci("start", "c").returncode == 125
    assert status() == "running"
    assert rt.oci("pause", "c").returncode == 0 and status() == "paused"
    assert "paused" in rt.oci("exec", "c", "true").stderr
    assert rt.oci("resume", "c").returncode == 0 and status() == "running"
    assert "still running" in rt.oci("delete", "c").stderr
    assert rt.oci("kill", "c", "SIGKILL").returncode == 0
    harness.wait_until(lambda: status() == "stopped", what="the end of the container")
    assert rt.oci("delete", "c").returncode == 0
    assert "does not exist" in rt.oci("state", "c").stderr


def test_start_tells_why_it_failed(rt):
    assert rt.oci("create", "--bundle", rt.bundle("nosuch"), "c").returncode == 0
    r = rt.oci("start", "c")
    assert r.returncode == 127 and "not found in $PATH" in r.stderr


def test_exec(rt):
    assert rt.oci("run", "-d", "--bundle", rt.bundle("sleep", "1000"), "c").returncode == 0
    r = rt.oci("exec", "--env", "A=b", "--cwd", "/bin", "--user", "5:6", "c", "sh", "-c",
               "echo $A $PWD; id; ps; hostname; exit 3")
    assert r.returncode == 3 and "b /bin" in r.stdout and "uid=5 gid=6" in r.stdout
    assert "sleep 1000" in r.stdout and "box" in r.stdout
    spec = rt.tmp / "process.json"
    spec.write_text(json.dumps({"args": ["cat", "/proc/self/cgroup"], "cwd": "/",
                                "env": ["PATH=/bin"]}))
    r = rt.oci("exec", "--process", spec, "c")
    assert r.returncode == 0 and ":pids:/\n" in r.stdout or "0::/\n" in r.stdout
    assert rt.oci("exec", "c", "nosuch").returncode == 127


def test_a_process_that_ends_before_its_program_was_never_started(rt):
    """Its socket closes as that of one whose program runs does."""
    bundle = rt.bundle("sleep", "1000")
    assert rt.oci("run", "-d", "--bundle", bundle, "c").returncode == 0
    config = json.loads((bundle / "config.json").read_text())
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                                  "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_KILL_PROCESS"}]}
    (bundle / "config.json").write_text(json.dumps(config))
    for detached in ([], ["-d", "--pid-file", rt.tmp / "pid"]):
        done = rt.oci("exec", *detached, "c", "true")
        assert done.returncode == 125 and "was ended before it ran its program" in done.stderr, done
    assert not (rt.tmp / "pid").exists()


def in_space(pid):
    """The other processes in that one's pid namespace, by their numbers here."""
    space = os.readlink(f"/proc/{pid}/ns/pid")
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(entry / "ns/pid") == space and int(entry.name) != pid:
                found.append(entry)
    return found


def test_who_traces_an_exec_finds_nothing_of_the_hosts(rt):
    """From its first call on, at which strace stops it: root, directories and privileges are the container's."""
    caps = {k: CAPS + ["CAP_SYS_PTRACE"] for k in ("bounding", "effective", "permitted")}
    assert rt.oci("run", "-d", "--bundle", rt.bundle("sleep", "1000", process__capabilities=caps), "c").returncode == 0
    pid = json.loads(rt.oci("state", "c").stdout)["pid"]
    calls = rt.tmp / "calls"
    calls.touch()

    def stopped():
        return [int(line.split()[0]) for line in calls.read_text().splitlines() if "stopped by SIGSTOP" in line]

    def go_on(number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGCONT)

    def born_in_space():
        for number in stopped():
            found = [p for p in in_space(pid) if int(p.name) == number]
            if found:
                return found[0]
            go_on(number)  # who makes it is outside
        return None

    with subprocess.Popen(["strace", "-f", "-o", calls, "-e", "trace=setsid", "-e", "inject=setsid:signal=SIGSTOP:when=1", OCI,
                           "--root", rt.root, "exec", "c", "true"]) as strace:
        try:
            born = harness.wait_until(born_in_space, what="the process")
            root, own = (os.stat(f"{p}/root/") for p in (born, f"/proc/{pid}"))
            capable = [next(line for line in pathlib.Path(p, "status").read_text().splitlines() if line.startswith("CapPrm"))
                       for p in (born, f"/proc/{pid}")]
            opened = [os.readlink(fd) for fd in (born / "fd").iterdir() if int(fd.name) > 2]
            directories = [path for path in opened if os.path.isdir(path)]
        finally:
            for number in stopped():
                go_on(number)
        assert strace.wait(60) == 0
    assert (root.st_dev, root.st_ino) == (own.st_dev, own.st_ino)
    assert capable[0] == capable[1] and not directories


def receive(sock):
    data, anc, _, _ = sock.recvmsg(NOTIFY.size, socket.CMSG_SPACE(4))
    fds = array.array("i")
    for _, _, raw in anc:
        fds.frombytes(raw[:4])
    return NOTIFY.unpack(data), list(fds)


def test_notify(rt):
    for args, code in ((("sleep", "1000"), 0), (("nosuch",), 127)):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        r = subprocess.run([OCI, "--root", rt.root, "run", "--detach", "--notify-fd",
                            str(theirs.fileno()), "--bundle", rt.bundle(*args), "n"],
                           pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL, timeout=60)
        record, fds = receive(ours)
        assert r.returncode == code and record[3] == code
        if code:
            assert record[1] == 2 and record[6].startswith(b"exec\0") and not fds
        else:
            info = pathlib.Path(f"/proc/self/fdinfo/{fds[0]}").read_text()
            assert record[1] == 1 and f"Pid:\t{record[2]}\n" in info
            os.close(fds[0])
            assert rt.oci("delete", "--force", "n").returncode == 0
        ours.close()
        theirs.close()


def test_console_socket(rt):
    path = str(rt.tmp / "console")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    b = rt.bundle("sh", "-c", "tty; stty size; sleep 1000", process__terminal=True,
                  process__consoleSize={"height": 30, "width": 90})
    assert rt.oci("run", "-d", "--console-socket", path, "--bundle", b, "c").returncode == 0
    conn, _ = server.accept()
    _, anc, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
    master = array.array("i", anc[0][2][:4])[0]
    text = b""
    while b"30 90" not in text:
        text += os.read(master, 1000)
    assert b"/dev/" in text
    os.close(master)
    conn.close()
    server.close()


def test_hooks(rt):
    log = rt.tmp / "hooks.log"
    hook = lambda name: [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >> {log}; echo {name} >> {log}"]}]
    names = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    r = rt.run("true", hooks={n: hook(n) for n in names})
    assert r.returncode == 0, r.stderr
    text = log.read_text()
    assert [text.index(n + "\n") for n in names] == sorted(text.index(n + "\n") for n in names)
    r = rt.run("true", hooks={"prestart": [{"path": "/bin/false"}]})
    assert r.returncode == 125 and "exited with 1" in r.stderr


@pytest.fixture
def open_rt():
    """In a directory that other users may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="cleat-test-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        runtime = Runtime(pathlib.Path(folder))
        yield runtime
        runtime.close()


def test_user_namespace(open_rt):
    for path in (open_rt.rootfs, *open_rt.rootfs.rglob("*")):
        os.chown(path, 100000, 100000, follow_symlinks=False)
    out = open_rt.sh("id; cat /proc/self/uid_map", linux__namespaces=[
        {"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")],
        linux__uidMappings=[{"containerID": 0, "hostID": 100000, "size": 1000}],
        linux__gidMappings=[{"containerID": 0, "hostID": 100000, "size": 1000}])
    assert "uid=0" in out and "100000" in out


@pytest.mark.parametrize("change,text", [
    ({"process__cwd": "/proc/self/fd/3"}, ""),
    ({"linux__namespaces": [{"type": "pid"}]}, "mount namespace"),
    ({"mounts": [{"destination": "/x", "type": "nosuchfs"}]}, "nosuchfs"),
    ({"root__path": "/nowhere"}, "/nowhere"),
])
def test_bad_bundles_leave_nothing(rt, change, text):
    r = rt.run("true", **change)
    assert r.returncode == 125 and text in r.stderr


def test_the_runtimes_binary_cannot_be_written(rt):
    assert rt.oci("run", "-d", "--bundle", rt.bundle("sleep", "1000", annotations={
        "dev.cleat.init": "true"}), "c").returncode == 0
    before = OCI.read_bytes()
    r = rt.oci("exec", "c", "sh", "-c", "busybox cp /bin/busybox /proc/1/exe; "
               "(exec 3>/proc/1/exe) 2>/dev/null; echo done")
    assert "done" in r.stdout and OCI.read_bytes() == before
    pid = json.loads(rt.oci("state", "c").stdout)["pid"]
    assert os.statvfs(f"/proc/{pid}/exe").f_flag & os.ST_RDONLY
