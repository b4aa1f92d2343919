# SPDX-License-Identifier: Apache-2.0
"""cleat-oci with user namespaces: who owns what on disk, and who seems to inside."""
import json
import os
import subprocess

import pytest

import test_runtime

pytestmark = test_runtime.pytestmark
FIRST, SIZE = 0x20000000, 65536
KINDS = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")
MAP = [{"containerID": 0, "hostID": FIRST, "size": SIZE}]


@pytest.fixture
def rt(mappable):
    folder = mappable / "r"
    folder.mkdir(mode=0o700)
    runtime = test_runtime.Runtime(folder)
    yield runtime
    runtime.close()


def mapped(rt, **more):
    """A container on an overlay whose layer has files of root and of user 7, in a directory that is root's alone."""
    for name in ("upper", "work"):
        (rt.tmp / name).mkdir(exist_ok=True)
    etc = rt.rootfs / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "mine").write_text("")
    (etc / "yours").write_text("")
    os.chown(etc / "yours", 7, 8)
    return {"linux__namespaces": [{"type": t} for t in KINDS], "linux__uidMappings": MAP, "linux__gidMappings": MAP,
            "annotations": {"dev.cleat.overlay.lower": str(rt.rootfs), "dev.cleat.overlay.upper": f"{rt.tmp}/upper",
                            "dev.cleat.overlay.work": f"{rt.tmp}/work"}, **more}


def owner(path):
    return os.lstat(path).st_uid, os.lstat(path).st_gid


def test_files_have_the_ids_of_the_image(rt):
    out = rt.sh("cat /proc/self/uid_map; stat -c '%n %u %g' /etc/mine /etc/yours /dev/null /dev/tty; echo x >/new;"
                " echo x >>/etc/yours; chown 9:10 /etc/mine; mkdir /dir; rm /etc/yours; echo x >/dev/null", **mapped(rt))
    assert out.split()[:3] == ["0", str(FIRST), str(SIZE)]
    assert "/etc/mine 0 0\n/etc/yours 7 8\n/dev/null 0 0\n/dev/tty 0 0\n" in out
    assert owner(rt.tmp / "upper/new") == owner(rt.tmp / "upper/dir") == (0, 0)
    assert owner(rt.tmp / "upper/etc/mine") == (9, 10) and owner(rt.rootfs / "etc/mine") == (0, 0)
    white = os.lstat(rt.tmp / "upper/etc/yours")
    assert white.st_rdev == 0 and (white.st_uid, white.st_gid) == (0, 0)


def test_a_bind_mount_with_mapped_ids(rt):
    there = rt.tmp / "there"
    there.mkdir()
    (there / "file").write_text("")
    os.chown(there / "file", 3, 4)
    bind = lambda where, *options: {"destination": where, "type": "bind", "source": str(there), "options": ["bind", *options]}
    change = mapped(rt)
    path = rt.bundle("sh", "-c", "stat -c '%u %g' /a/file /b/file /c/file; echo >/a/new", **change)
    config = json.loads((path / "config.json").read_text())
    config["mounts"] += [bind("/a", "idmap"), bind("/b"), {**bind("/c"), "uidMappings": [
        {"containerID": 3, "hostID": FIRST + 30, "size": 1}], "gidMappings": [
        {"containerID": 4, "hostID": FIRST + 40, "size": 1}]}]
    (path / "config.json").write_text(json.dumps(config))
    done = rt.oci("run", "--bundle", path, "c")
    assert done.stdout == "3 4\n65534 65534\n30 40\n", done.stderr
    assert owner(there / "new") == (0, 0)


def test_limits_that_only_the_host_may_set(rt):
    """They are those of a container without the namespace, and a second process that joins has them too."""
    ask = "ulimit -n; cat /proc/self/oom_score_adj; cat /proc/sys/kernel/msgmax"
    limits = {"process__rlimits": [{"type": "RLIMIT_NOFILE", "soft": 2 << 19, "hard": 2 << 19}],
              "process__oomScoreAdj": 7, "linux__sysctl": {"net.ipv4.ip_forward": "0", "kernel.msgmax": "9000"}}
    plain = rt.sh(ask, **limits)
    path = rt.bundle("sh", "-c", f"{ask}; sleep 1000", **mapped(rt, **limits))
    assert rt.sh(ask, **mapped(rt, **limits)) == plain
    assert rt.oci("run", "-d", "--bundle", path, "d").returncode == 0
    done = rt.oci("exec", "d", "sh", "-c", f"{ask}; cat /proc/self/uid_map")
    assert done.stdout.split() == [*plain.split(), "0", str(FIRST), str(SIZE)], done.stderr


def test_a_namespace_that_is_joined(rt):
    """By the path of another namespace that it owns, too."""
    held = rt.bundle("sleep", "1000", **mapped(rt))
    assert rt.oci("run", "-d", "--bundle", held, "first").returncode == 0
    pid = json.loads(rt.oci("state", "first").stdout)["pid"]
    for kind in ("user", "net"):
        (rt.tmp / "upper").rename(rt.tmp / f"upper-{kind}")
        spaces = [{"type": t} for t in KINDS if t not in ("user", "network")]
        spaces += [{"type": "user", "path": f"/proc/{pid}/ns/{kind}"}, {"type": "network", "path": f"/proc/{pid}/ns/net"}]
        out = rt.sh("cat /proc/self/uid_map; stat -c '%u %g' /etc/yours; ls -l /proc/self/ns/user", **{
            **mapped(rt), "linux__namespaces": spaces})
        assert out.split()[:5] == ["0", str(FIRST), str(SIZE), "7", "8"]
        assert os.readlink(f"/proc/{pid}/ns/user") in out


def test_the_runtime_does_not_wait_for_a_helper_that_was_killed(rt):
    """The one that clones the first process inside, before it could tell its number: strace kills at the first write(2)."""
    assert rt.oci("run", "-d", "--bundle", rt.bundle("sleep", "1000", **mapped(rt)), "first").returncode == 0
    pid = json.loads(rt.oci("state", "first").stdout)["pid"]
    (rt.tmp / "upper").rename(rt.tmp / "upper-first")
    spaces = [{"type": t} for t in KINDS if t != "user"] + [{"type": "user", "path": f"/proc/{pid}/ns/user"}]
    path = rt.bundle("sleep", "1000", **{**mapped(rt), "linux__namespaces": spaces})
    strace = ["strace", "-f", "-o", rt.tmp / "calls", "-e", "trace=write", "-e", "inject=write:signal=SIGKILL:when=1"]
    done = subprocess.run([*strace, test_runtime.OCI, "--root", rt.root, "run", "--bundle", path, "c"], timeout=60, check=False)
    assert done.returncode != 0
    assert "killed by SIGKILL" in (rt.tmp / "calls").read_text()


@pytest.mark.parametrize("mount, words", [
    ({"type": "tmpfs", "source": "tmpfs", "options": ["idmap"]}, "only a bind mount"),
    ({"type": "bind", "source": "/tmp", "uidMappings": MAP}, "needs both uidMappings and gidMappings"),
    ({"type": "bind", "source": "/proc", "options": ["idmap"]}, "/proc: the file system it is on, or one below it, takes no"),
])
def test_mounts_that_cannot_be_mapped(rt, mount, words):
    path = rt.bundle("true", **mapped(rt))
    config = json.loads((path / "config.json").read_text())
    config["mounts"].append({"destination": "/x", **mount})
    (path / "config.json").write_text(json.dumps(config))
    done = rt.oci("run", "--bundle", path, "c")
    assert done.returncode == 125 and words in done.stderr


def test_a_mapped_mount_needs_maps(rt):
    done = rt.run("true", mounts=[{"destination": "/x", "type": "bind", "source": "/tmp", "options": ["ridmap"]}])
    assert done.returncode == 125 and "needs a user namespace, or uidMappings and gidMappings" in done.stderr
