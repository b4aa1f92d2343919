# SPDX-License-Identifier: Apache-2.0
"""Containers in user namespaces of their own (--userns auto): ids on disk and inside, and all that a container has."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import harness
import image
import inventory
import netns
import scenarios

pytestmark = pytest.mark.layer_drivers
POOL = 0x70000000
AUTO = ("--userns", "auto")
CHOWN = bytes.fromhex("0100000201000000000000000000000000000000")  # struct vfs_cap_data: effective, CAP_CHOWN
NGINX = """user web; daemon off; worker_processes 2; pid /tmp/nginx.pid; error_log stderr;
events { worker_connections 64; }
http { access_log off; server { listen 80; location / { return 200 "hello\\n"; } } }
"""


@pytest.fixture
def engine(mappable, layer_driver):  # pylint: disable=unused-argument
    with harness.Engine(mappable / "e") as e:
        e.load_busybox()
        yield e


@pytest.fixture
def networked(ns, mappable, layer_driver):  # pylint: disable=unused-argument
    with harness.Engine(mappable / "e", netns=ns.name) as e:
        e.load_busybox()
        yield e


def add_programs(engine):
    """An image of programs that are not busybox."""
    paths = [shutil.which(name) for name in ("id", "grep", "nginx")]
    if None in paths:
        pytest.skip("integration/deps --test installs nginx")
    files = {"etc/nginx.conf": NGINX, "var/lib/nginx/.keep": "", "var/log/nginx/.keep": "", "etc/services": "http 80/tcp\n",
             "etc/passwd": "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n", "etc/group": "root:x:0:\nweb:x:33:\n"}
    layers = [image.busybox_layer(), image.program_layer(paths, files)]
    engine.cleat("load", text=False, input=image.docker_archive(["programs:latest"], layers))


def sh(engine, script, *flags):
    return engine.out("run", "--rm", *AUTO, *flags, "busybox", "sh", "-c", script)


def sleeper(engine, name, *flags):
    return engine.out("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def first_id(engine, name):
    return int(engine.out("exec", name, "cat", "/proc/self/uid_map").split()[1])


def upper(engine, name):
    return pathlib.Path(engine.state, "containers", inspect(engine, name)["Id"], "upper")


def ranges(engine):
    return inventory.query(engine, "SELECT first, size FROM id_ranges ORDER BY first")


def owner(path):
    return os.lstat(path).st_uid, os.lstat(path).st_gid


def test_ids_inside_and_on_disk(engine):
    """Files are owned on disk by what they are owned by inside; their processes are nobody of the host's."""
    sleeper(engine, "one", *AUTO)
    assert engine.out("exec", "one", "cat", "/proc/self/uid_map").split() == ["0", str(POOL), "65536"]
    assert engine.out("exec", "one", "stat", "-c", "%u %g", "/", "/bin/busybox", "/etc/hosts", "/dev/null", "/dev/shm",
                      "/etc/resolv.conf", "/etc/hostname").split() == ["0"] * 14
    engine.out("exec", "one", "sh", "-c", "echo x >/a; chown 7:8 /a; mkdir /b; chown 65534 /b; chown 3 /etc/passwd;"
               " rm -r /home; chmod u+s /a; ln -s a /link; mkfifo /fifo")
    files = upper(engine, "one")
    assert [owner(files / n) for n in ("a", "b", "etc/passwd", "home", "link", "fifo")] == [
        (7, 8), (65534, 0), (3, 0), (0, 0), (0, 0), (0, 0)]
    pid = inspect(engine, "one")["State"]["Pid"]
    assert os.stat(f"/proc/{pid}").st_uid == POOL
    assert engine.out("diff", "one").split("\n") == ["A /a", "A /b", "C /etc", "C /etc/passwd", "A /fifo", "D /home", "A /link"]


def test_every_container_has_ids_of_its_own(engine):
    for name, size in (("one", 65536), ("two", 1024), ("three", 65536)):
        sleeper(engine, name, "--userns", f"auto:size={size}")
    assert [first_id(engine, n) for n in ("one", "two", "three")] == [POOL, POOL + 65536, POOL + 66560]
    assert inspect(engine, "two")["HostConfig"]["UsernsMode"] == "auto:size=1024"
    engine.out("rm", "-f", "one")
    sleeper(engine, "four", "--userns", "auto:size=65000")
    sleeper(engine, "five", "--userns", "auto:size=2048")
    assert [first_id(engine, n) for n in ("four", "five")] == [POOL, POOL + 66560 + 65536]


def test_the_pool_is_what_the_configuration_says(engine):
    engine.configure({"userns-pool": "200000:3024"})
    engine.kill()
    engine.start()
    sleeper(engine, "one", "--userns", "auto:size=2000")
    assert first_id(engine, "one") == 200000
    done = engine.cleat("run", "--name", "two", "--userns", "auto:size=1500", "busybox", check=False)
    assert done.returncode == 125 and "no range of 1500 user ids is left of the 3024 from 200000 on" in done.stderr
    assert engine.out("ps", "-aq", "--filter", "name=two") == ""
    sleeper(engine, "three", "--userns", "auto:size=1024")


@pytest.mark.parametrize("flags, words", [
    (("--userns", "elsewhere"), "invalid userns mode: elsewhere: expected host or auto[:size=N]"),
    (("--userns", "auto:size=10"), "invalid userns mode: auto:size=10"),
    (("--userns", "keep-id"), "not supported by this release"),
    ((*AUTO, "--privileged"), "privileged mode is incompatible with user namespaces"),
    ((*AUTO, "--network", "host"), "cannot share the host's network namespace when user namespaces are enabled"),
    ((*AUTO, "--pid", "host"), "cannot share the host PID namespace when user namespaces are enabled"),
    ((*AUTO, "--ipc", "host"), "cannot share the host IPC namespace when user namespaces are enabled"),
    ((*AUTO, "--runtime", "/bin/true"), "runtime other than cleat-oci"),
    ((*AUTO, "--user", "65536"), "user or group 65536: the container's user namespace has ids up to 65535"),
    ((*AUTO, "--group-add", "70000"), "user or group 70000"),
])
def test_what_is_refused(engine, flags, words):
    done = engine.cleat("create", *flags, "busybox", check=False)
    assert done.returncode in (1, 125) and words in done.stderr
    assert engine.out("ps", "-aq") == ""


def test_another_containers_namespaces_are_refused(networked):
    """Its own may be joined by one that has the host's ids."""
    engine = networked
    sleeper(engine, "one", *AUTO, "--ipc", "shareable")
    for kind, word in (("network", "network"), ("pid", "PID"), ("ipc", "IPC")):
        done = engine.cleat("create", *AUTO, f"--{kind}", "container:one", "busybox", check=False)
        assert f"cannot share another container's {word} namespace when user namespaces are enabled" in done.stderr
    assert "eth0" in engine.out("run", "--rm", "--network", "container:one", "busybox", "ip", "addr")
    assert "sleep 1000" in engine.out("run", "--rm", "--pid", "container:one", "busybox", "ps")
    engine.out("exec", "one", "touch", "/dev/shm/mine")
    assert engine.out("run", "--rm", "--ipc", "container:one", "busybox", "ls", "/dev/shm") == "mine"


def test_volumes_are_the_same_for_all(engine, mappable):
    """Of two containers with ids of their own, one with the host's, and the host."""
    there = mappable / "there"
    there.mkdir()
    flags = ("-v", "shared:/v", "-v", f"{there}:/h", "--tmpfs", "/t", "--mount", "type=tmpfs,target=/u")
    for name, more in (("one", AUTO), ("two", AUTO), ("three", ())):
        sleeper(engine, name, *more, *flags)
    for name in ("one", "two", "three"):
        engine.out("exec", name, "sh", "-c", f"for d in /v /h /t /u; do echo x >$d/{name}; chown 5:6 $d/{name}; done;"
                   f" mkdir /v/dir{name} /h/dir{name}")
    wanted = "".join(f"/v/{n} 5 6\n/v/dir{n} 0 0\n/h/{n} 5 6\n/h/dir{n} 0 0\n" for n in ("one", "two", "three"))
    ask = "for n in one two three; do for d in /v /h; do stat -c '%n %u %g' $d/$n $d/dir$n; done; done"
    for name in ("one", "two", "three"):
        assert engine.out("exec", name, "sh", "-c", ask) == wanted.strip()
    assert owner(there / "one") == (5, 6) and owner(there / "dirtwo") == (0, 0)
    data = pathlib.Path(engine.state, "volumes/shared")
    assert {owner(p) for p in data.rglob("dir*")} == {(0, 0)} and {owner(p) for p in data.rglob("t[wh]*")} == {(5, 6)}


def test_a_mount_that_cannot_be_mapped_is_named(engine):
    done = engine.cleat("run", "--rm", *AUTO, "-v", "/proc:/host", "busybox", "true", check=False)
    assert done.returncode == 125
    assert "mount on /host: /proc: the file system it is on, or one below it, takes no id-mapped mounts" in done.stderr
    engine.out("volume", "create", "-o", "type=ext4", "-o", "device=/dev/null", "disk")
    done = engine.cleat("create", *AUTO, "-v", "disk:/d", "busybox", check=False)
    assert done.returncode in (1, 125) and "a volume of type ext4 in a container with --userns auto" in done.stderr


def test_copies_in_and_out(engine, tmp_path):
    (tmp_path / "in").write_text("in")
    os.chown(tmp_path / "in", 11, 12)
    sleeper(engine, "one", *AUTO)
    for state in ("running", "stopped"):
        engine.out("cp", "-a", tmp_path / "in", f"one:/{state}")
        engine.out("cp", tmp_path / "in", f"one:/{state}-root")
        if state == "running":
            assert engine.out("exec", "one", "stat", "-c", "%u %g", "/running", "/running-root").split() == ["11", "12", "0", "0"]
            engine.out("exec", "one", "chown", "21:22", "/running")
        assert owner(upper(engine, "one") / state) == ((21, 22) if state == "running" else (11, 12))
        assert owner(upper(engine, "one") / f"{state}-root") == (0, 0)
        engine.out("cp", "-a", "one:/running", tmp_path / state)
        assert owner(tmp_path / state) == (21, 22)
        engine.out("stop", "-t", "0", "one")


def test_an_image_made_of_one(engine, tmp_path):
    """Commit, export and a build know nothing of the range."""
    sleeper(engine, "one", *AUTO)
    engine.out("exec", "one", "sh", "-c", "echo x >/a; chown 7:8 /a; rm -r /home; mkdir /home; touch /home/new")
    for state in ("running", "stopped"):
        engine.out("export", "-o", tmp_path / state, "one")
        listed = subprocess.run(["tar", "--numeric-owner", "-tvf", tmp_path / state], capture_output=True, text=True, check=True)
        assert re.search(r" 7/8 .* a\n", listed.stdout) and re.search(r" 0/0 .* home/new\n", listed.stdout)
        engine.out("commit", "one", state)
        ask = ("run", "--rm", state, "sh", "-c", "stat -c '%n %u %g' /a /home/*")
        assert engine.out(*ask) == engine.out(ask[0], ask[1], *AUTO, *ask[2:]) == "/a 7 8\n/home/new 0 0"
        engine.out("stop", "-t", "0", "one")


def test_rights_of_programs(engine):
    """Those of another user, and those with capabilities of their own, get them inside and nowhere else."""
    add_programs(engine)
    capable = ("sh", "-c", "/usr/bin/grep CapEff /proc/self/status | cut -c 9-")
    engine.out("run", "-d", "--name", "one", *AUTO, "programs", "sleep", "1000")
    engine.out("exec", "one", "chmod", "4755", "/usr/bin/id")
    engine.out("exec", "one", "touch", "/usr/bin/grep")
    assert engine.out("exec", "-u", "9", "one", "/usr/bin/id", "-u") == "0"
    assert engine.out("exec", "-u", "9", "one", *capable) == "0" * 16
    engine.out("stop", "-t", "0", "one")
    os.setxattr(upper(engine, "one") / "usr/bin/grep", "security.capability", CHOWN)
    engine.out("start", "one")
    engine.out("commit", "one", "changed")
    engine.out("run", "-d", "--name", "two", *AUTO, "changed", "sleep", "1000")
    engine.out("run", "-d", "--name", "three", "changed", "sleep", "1000")
    for name in ("one", "two", "three"):
        assert engine.out("exec", "-u", "9", name, *capable) == "0" * 15 + "1"
        assert engine.out("exec", "-u", "9", name, "/usr/bin/id", "-u") == "0"


def test_all_that_a_container_has(engine):
    flags = ("--hostname", "box", "--ulimit", "nofile=1000:2000", "--sysctl", "net.ipv4.ip_forward=0", "--shm-size", "8m",
             "-m", "64m", "--device", "/dev/null:/dev/other", "--init", "--user", "5:6")
    script = "hostname; ulimit -n; ulimit -Hn; stat -c %u /dev/other; echo x >/dev/other; df -k /dev/shm | tail -1;" \
             " echo to the log >/dev/stdout; id -u; cat /proc/1/comm; touch /dev/shm/mine; ls /sys/fs/cgroup | head -1"
    lines = sh(engine, script, *flags).split("\n")
    assert lines[:4] == ["box", "1000", "2000", "0"] and lines[4].split()[1] == "8192"
    assert lines[5:8] == ["to the log", "5", "cleat-init"] and lines[8]
    assert sh(engine, "mount -t tmpfs none /tmp && hostname new && hostname", "--cap-add", "SYS_ADMIN").strip() == "new"
    done = engine.cleat("run", "--rm", *AUTO, "busybox", "sh", "-c", "mknod /x c 1 3", check=False)
    assert done.returncode == 1
    done = engine.cleat("run", "--rm", *AUTO, "busybox", "sh", "-c", "echo 0 >/proc/sys/vm/swappiness; cat /proc/kcore | wc -c", check=False)
    assert done.stdout.strip() == "0" and "can't create" in done.stderr
    done = engine.cleat("run", "--rm", *AUTO, "--read-only", "busybox", "touch", "/x", check=False)
    assert "Read-only file system" in done.stderr


def test_networks(networked, ns):
    """The network namespace is the container's own to configure; ports and names are there as for others. By a
    program with several processes, and users."""
    engine = networked
    add_programs(engine)
    engine.out("network", "create", "net")
    sleeper(engine, "one", *AUTO, "--network", "net")
    engine.out("run", "-d", "--name", "two", *AUTO, "--network", "net", "-p", "8080:80", "programs", "nginx", "-c", "/etc/nginx.conf")
    harness.wait_until(lambda: ":0050 " in engine.out("exec", "two", "cat", "/proc/net/tcp"), what="nginx listens")
    pid = inspect(engine, "two")["State"]["Pid"]
    # it listens before its workers are born, who begin as root
    wanted = [first_id(engine, "two") + 33] * 2
    harness.wait_until(lambda: [os.stat(f"/proc/{child}").st_uid for child in harness.children(pid)] == wanted,
                       what="two workers of the user web")
    assert engine.cleat("exec", "one", "ping", "-c1", "-W30", "two", check=False).returncode == 0
    assert engine.out("exec", "one", "wget", "-qO-", "http://two") == "hello"
    address = inspect(engine, "one")["NetworkSettings"]["Networks"]["net"]["Gateway"]
    assert netns.run("ip", "netns", "exec", ns.name, "/bin/busybox", "wget", "-qO-", f"http://{address}:8080").stdout == "hello\n"
    assert sh(engine, "ip link set lo mtu 1400 && ip link show lo", "--cap-add", "NET_ADMIN", "--network", "none").count("1400") == 1
    engine.out("network", "connect", "bridge", "one")
    assert "eth1" in engine.out("exec", "one", "ip", "link")
    engine.out("restart", "-t", "0", "one")
    assert engine.cleat("exec", "one", "ping", "-c1", "-W30", "two", check=False).returncode == 0


@pytest.mark.parametrize("kind", ["engine", "networked"])
def test_restarts_without_the_engine(request, kind):
    """By the shim alone, with the ids it had; the next engine knows them."""
    engine = request.getfixturevalue(kind)
    name = engine.out("run", "-d", "--name", "one", *AUTO, "--restart", "always", "busybox", "sh", "-c",
                      "cat /proc/self/uid_map; stat -c %u /bin; ls /sys/class/net; sleep 1")
    engine.kill()
    log = pathlib.Path(engine.state, "containers", name, "log")
    runs = lambda: sum(path.read_bytes().count(b" 65536\n") for path in log.iterdir())
    before = runs()
    harness.wait_until(lambda: runs() > before + 1, what="two restarts")
    engine.start()
    lines = engine.out("logs", "one").split("\n")
    assert len([line for line in lines if "65536" in line]) > 1 and {" ".join(line.split()) for line in lines} >= {f"0 {POOL} 65536", "0", "lo"}
    assert ("eth0" in lines) == (kind == "networked")
    assert len({line for line in lines if "65536" in line}) == 1
    sleeper(engine, "two", *AUTO)
    assert first_id(engine, "two") == POOL + 65536


def test_terminals_and_health(engine):
    name = engine.out("run", "-d", *AUTO, "-t", "--user", "7", "--health-cmd", "test $(id -u) = 7", "--health-interval", "100ms",
                      "busybox", "sh", "-c", "tty; stat -c %u /dev/pts/0 /dev/console; sleep 1000")
    assert harness.wait_until(lambda: inspect(engine, name)["State"]["Health"]["Status"] == "healthy")
    harness.wait_until(lambda: engine.out("logs", name).split() == ["/dev/pts/0", "7", "7"],
                       what=lambda: f"all of {engine.out('logs', name)!r}")
    assert engine.out("exec", "-t", name, "tty").strip() == "/dev/pts/1"


RUN = ("run", "-d", "--name", "new", *AUTO, "busybox", "sleep", "1000")


@pytest.mark.parametrize("step", [*scenarios.USERNS_STEPS, "NET_START_RECORDED", "NET_START_PLUGGED", "SHIM_LAUNCHED"])
@pytest.mark.parametrize("client", ["waits", "goes"])
def test_killed_at_each_step(networked, step, client):
    """No range is lost or had by two, and no process is left that holds a namespace."""
    engine = networked
    sleeper(engine, "before", *AUTO)
    engine.kill()
    engine.start(env={"CLEAT_FAULT": step})
    asked = engine.popen(*RUN, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if step.startswith("SHIM_"):  # the engine lives on, and would make it after the look for it
        harness.wait_until(lambda: engine.out("ps", "-aq", "--filter", "name=new"), what="the container")
    else:
        harness.wait_until(lambda: not engine.engine_pids(), what="the end of the engine")
    if client == "goes":
        asked.kill()
    if not step.startswith("SHIM_"):
        engine.start()
    said = asked.communicate(timeout=60)[1]
    assert client == "goes" or step.startswith("SHIM_") or asked.returncode == 0, said
    engine.cleat("rm", "-f", "new", check=False)
    harness.wait_until(lambda: ranges(engine) == [(POOL, 65536)], what=lambda: ranges(engine))
    if step.startswith("SHIM_"):
        engine.kill()
        engine.start()
    engine.out(*RUN)
    assert [first_id(engine, n) for n in ("before", "new")] == [POOL, POOL + 65536]
    harness.wait_until(lambda: len(engine.engine_pids()) == 1, what="one process of the engine")
    engine.out("rm", "-f", "before", "new")
    assert ranges(engine) == []
    engine.expect_nothing_left()


def test_an_exec_of_a_user_outside(engine):
    sleeper(engine, "one", "--userns", "auto:size=2000")
    done = engine.cleat("exec", "-u", "2000", "one", "id", check=False)
    assert done.returncode == 1 and "user or group 2000: the container's user namespace has ids up to 1999" in done.stderr
    assert engine.out("exec", "-u", "1999:1998", "one", "id") == "uid=1999 gid=1998 groups=1998"


def test_over_http(gateway):
    gateway.json("POST", "/containers/create?name=space", {"Image": "busybox", "HostConfig": {"UsernsMode": "auto:size=4096"}}, status=201)
    assert gateway.json("GET", "/containers/space/json")["HostConfig"]["UsernsMode"] == "auto:size=4096"
    code, _, data = gateway.ask("POST", "/cleat.v1.Containers/Inspect", {"container": "space"})
    assert code == 200 and json.loads(data)["container"]["ids"] == {"first": POOL, "size": 4096}
    told = gateway.json("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"UsernsMode": "auto:size=x"}}, status=400)
    assert "invalid userns mode: auto:size=x: expected host or auto[:size=N]" in told["message"]
    gateway.json("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"UsernsMode": "keep-id"}}, status=501)
