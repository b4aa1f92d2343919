# SPDX-License-Identifier: Apache-2.0
"""`run` and what a container sees."""
import json
import os
import re
import signal
import subprocess
import time

import pytest


def test_output_and_exit_code(busybox):
    done = busybox.cleat("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
    assert busybox.out("ps", "-aq") == ""


@pytest.mark.parametrize("arguments,code,text", [
    (["busybox", "no-such-program"], 127, "executable file not found"),
    (["busybox", "/etc/passwd"], 126, "permission denied"),
    (["busybox", "sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137, ""),
    (["--no-such-flag", "busybox"], 125, "unknown flag: --no-such-flag"),
    (["--pull", "never", "no-such-image"], 125, "no such image"),
])
def test_exit_codes(busybox, arguments, code, text):
    done = busybox.cleat("run", "--rm", *arguments, check=False)
    assert done.returncode == code, done
    assert text.lower() in done.stderr.lower()
    assert busybox.out("ps", "-aq") == ""


def test_no_signal_is_ignored_from_the_start(busybox):
    look = ["grep", "SigIgn", "/proc/self/status"]
    none = "SigIgn:\t0000000000000000"
    busybox.cleat("run", "-d", "--name", "calm", "--init", "busybox", "sleep", "1000")
    assert busybox.out("run", "--rm", "busybox", *look) == busybox.out("exec", "calm", *look) == none
    assert busybox.out("run", "--rm", "--init", "busybox", *look) == none


def test_stdin_is_passed_and_closed(busybox):
    done = busybox.cleat("run", "-i", "--rm", "busybox", "cat", input="a\nb\n")
    assert done.stdout == "a\nb\n"


def test_large_output_is_lossless(busybox):
    count = 200_000
    done = busybox.cleat("run", "--rm", "busybox", "seq", str(count), timeout=120)
    assert done.stdout == "".join(f"{i}\n" for i in range(1, count + 1))


def test_binary_round_trip(busybox):
    data = bytes(range(256)) * 4096
    done = busybox.cleat("run", "-i", "--rm", "busybox", "cat", text=False, input=data)
    assert done.stdout == data


@pytest.mark.parametrize("command", ["run", "exec"])
def test_much_output_before_input_is_read(busybox, command):
    """More than all buffers on the way hold, in both directions: neither waits for the other."""
    size = 4_000_000
    where = ["run", "-i", "--rm", "busybox"]
    if command == "exec":
        busybox.out("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        where = ["exec", "-i", "one"]
    done = busybox.cleat(*where, "sh", "-c", f"head -c {size} /dev/zero; wc -c", text=False, input=bytes(size))
    assert done.stdout == bytes(size) + b"%d\n" % size


def test_signal_while_input_is_not_read(busybox):
    script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done"
    with busybox.popen("run", "-i", "--rm", "busybox", "sh", "-c", script,
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        os.set_blocking(process.stdin.fileno(), False)
        full = time.monotonic()
        while time.monotonic() < full + 0.5:  # until nothing was taken for long
            try:
                if os.write(process.stdin.fileno(), bytes(65536)):
                    full = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 7


@pytest.mark.layer_drivers
def test_environment_user_and_directory(busybox):
    script = "id -u; id -g; id -G; pwd; echo $A; hostname"
    out = busybox.out("run", "--rm", "-u", "web", "-w", "/tmp/x", "-e", "A=b c", "-h", "myhost", "busybox", "sh",
                      "-c", script)
    assert out.splitlines() == ["1000", "1000", "1000 2000", "/tmp/x", "b c", "myhost"]


@pytest.mark.layer_drivers
def test_sandbox_of_a_default_container(busybox):
    script = """
        echo pid=$$
        grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t '
        ls /proc/sys >/dev/null && (echo 1 > /proc/sys/kernel/domainname) 2>/dev/null && echo proc-sys-writable
        mkdir /sys/x 2>/dev/null && echo sys-writable
        cat /proc/kcore >/dev/null 2>&1 && [ -s /proc/kcore ] && echo kcore
        mount -t tmpfs none /mnt 2>/dev/null && echo mounted
        ls /sys/class/net | tr '\\n' ' '
    """
    lines = busybox.out("run", "--rm", "busybox", "sh", "-c", script).splitlines()
    facts = dict(line.split("=", 1) if "=" in line else line.split(":", 1)
                 for line in lines if "=" in line or ":" in line)
    assert facts["pid"] == "1"
    assert int(facts["CapEff"], 16) == 0xa80425fb
    assert facts["Seccomp"] == "2"
    for forbidden in ("proc-sys-writable", "sys-writable", "kcore", "mounted"):
        assert forbidden not in lines
    assert "eth0" not in lines[-1]


@pytest.mark.layer_drivers
def test_read_only_root_and_tmpfs(busybox):
    out = busybox.out("run", "--rm", "--read-only", "--tmpfs", "/scratch:size=1m", "busybox", "sh", "-c",
                      "touch /x 2>/dev/null || echo ro; touch /scratch/y && echo rw; df -k /scratch | tail -1")
    lines = out.splitlines()
    assert lines[:2] == ["ro", "rw"]
    assert " 1024 " in lines[2]


def test_bind_mounts(busybox, tmp_path):
    (tmp_path / "f").write_text("host\n")
    out = busybox.out("run", "--rm", "-v", f"{tmp_path}:/data", "-v", f"{tmp_path}:/ro:ro", "busybox", "sh", "-c",
                      "cat /data/f; echo new > /data/g; touch /ro/h 2>/dev/null || echo refused")
    assert out.splitlines() == ["host", "refused"]
    assert (tmp_path / "g").read_text() == "new\n"
    assert not (tmp_path / "h").exists()


def test_init_reaps_orphans(busybox):
    out = busybox.out("run", "--rm", "--init", "busybox", "sh", "-c", "(true & echo $! >/pid); read -r pid </pid; "
                      "while [ -e /proc/$pid ]; do sleep 0.02; done; echo reaped $pid")
    assert re.fullmatch(r"reaped \d+", out)


@pytest.mark.layer_drivers
def test_container_is_not_in_the_hosts_mount_table(busybox):
    busybox.out("run", "-d", "--name", "ca", "busybox", "sleep", "1000")
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        assert str(busybox.root) not in mounts.read()
    busybox.out("rm", "-f", "ca")
    busybox.expect_nothing_left()


def test_cidfile_name_and_inspect(busybox, tmp_path):
    cid = busybox.out("run", "-d", "--name", "web", "--cidfile", tmp_path / "cid", "-l", "a=b", "busybox", "sleep",
                      "1000")
    assert (tmp_path / "cid").read_text() == cid
    details = json.loads(busybox.out("inspect", "web"))[0]
    assert details["Id"] == cid
    assert details["Name"] == "/web"
    assert details["State"]["Status"] == "running"
    assert details["State"]["Pid"] > 0
    assert details["Config"]["Labels"] == {"a": "b"}
    assert busybox.out("inspect", "-f", "{{.State.Running}} {{.Name}}", cid[:6]) == "true /web"


def test_name_conflict(busybox):
    busybox.out("create", "--name", "one", "busybox")
    done = busybox.cleat("create", "--name", "one", "busybox", check=False)
    assert done.returncode in (1, 125)
    assert 'The container name "/one" is already in use' in done.stderr


def test_foreground_run_pushes_back_and_loses_nothing(busybox):
    """A slow reader of a foreground run slows the container instead of losing bytes."""
    with busybox.popen("run", "--rm", "busybox", "seq", "300000", stdout=subprocess.PIPE) as run:
        head = run.stdout.read(10)
        rest = run.stdout.read()
        assert run.wait(60) == 0
    assert (head + rest) == b"".join(b"%d\n" % i for i in range(1, 300001))


@pytest.mark.parametrize("flags", [[], ["-i"]])
def test_a_signal_is_passed_on_after_the_end_of_stdin(busybox, flags):
    run = busybox.popen("run", "--rm", "--init", *flags, "busybox", "sh", "-c", "cat; echo ready; exec sleep 1000",
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert run.stdout.readline() == b"ready\n"
    run.terminate()
    assert run.wait(60) == 143
    run.stdout.close()


def test_a_limit_below_what_the_runtime_needs(busybox):
    """Limits are the program's: nothing of its set-up is under them."""
    script = "ulimit -n; ulimit -Hn"
    assert busybox.out("run", "--rm", "--ulimit", "nofile=5:6", "busybox", "sh", "-c", script).split() == ["5", "6"]
    busybox.out("run", "-d", "--name", "few", "--ulimit", "nofile=5:6", "busybox", "sleep", "1000")
    assert busybox.out("exec", "few", "sh", "-c", script).split() == ["5", "6"]


def test_init_shows_nothing_of_the_host(busybox):
    out = busybox.out("run", "--rm", "--init", "busybox", "sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '; cat /proc/1/comm")
    assert out.split() == ["cleat-init", "cleat-init"]


@pytest.mark.parametrize("command", ["run", "exec"])
def test_a_reader_that_leaves_ends_the_command(busybox, command):
    busybox.out("run", "-d", "--name", "one", "busybox", "sleep", "1000")
    where = ["run", "--name", "two", "busybox"] if command == "run" else ["exec", "one"]
    with busybox.popen(*where, "yes", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(10) == b"y\n" * 5
        process.stdout.close()
        assert process.wait(60) == 128 + signal.SIGPIPE
        assert process.stderr.read() == b""


def test_closed_standard_streams(busybox):
    busybox.out("run", "-d", "--name", "one", "busybox", "sleep", "1000")
    for words in ("run --rm -i busybox cat <&-", "exec -i one cat <&-", "run --rm busybox echo hi >&-",
                  "exec one echo hi >&-", "run --rm busybox echo hi 2>&- >/dev/null"):
        line = " ".join(map(str, busybox.command())) + " " + words
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), (words, done)
