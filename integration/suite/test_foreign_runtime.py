# SPDX-License-Identifier: Apache-2.0
"""Containers by another OCI runtime: Debian's runc."""
import os
import pty
import shutil
import signal

import pytest

import harness

pytestmark = pytest.mark.layer_drivers

RUNC = shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin:/bin")


@pytest.fixture
def run(busybox):
    """run(*arguments): `cleat run` with that runtime."""
    return lambda *arguments, **kw: busybox.cleat("run", "--runtime", RUNC, *arguments, check=False, **kw)


def test_output_input_and_exit_codes(run, busybox):
    done = run("--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
    data = bytes(range(256)) * 1000
    assert run("-i", "--rm", "busybox", "cat", text=False, input=data).stdout == data
    done = run("--rm", "busybox", "nosuch")
    assert done.returncode == 127 and "executable file not found" in done.stderr
    assert run("--rm", "busybox", "/etc/passwd").returncode == 126
    assert busybox.out("ps", "-aq") == ""
    busybox.expect_nothing_left()


def test_its_files_are_kept(run, busybox):
    assert run("--name", "kept", "busybox", "sh", "-c", "echo x >>/file; wc -l </file").stdout == "1\n"
    assert busybox.out("start", "-a", "kept") == "2"
    busybox.out("rm", "kept")
    busybox.expect_nothing_left()


def test_exec_pause_kill_and_restart(run, busybox):
    run("-d", "--name", "live", "--restart", "on-failure:1", "busybox", "sleep", "1000")
    assert busybox.out("exec", "live", "sh", "-c", "echo $$ >/f; cat /f").isdigit()
    assert busybox.cleat("exec", "live", "sh", "-c", "exit 9", check=False).returncode == 9
    assert busybox.cleat("exec", "live", "nosuch", check=False).returncode == 127
    assert busybox.out("exec", "-i", "live", "cat", input="in") == "in"
    busybox.out("pause", "live")
    assert busybox.out("inspect", "-f", "{{.State.Status}}", "live") == "paused"
    busybox.out("unpause", "live")
    os.kill(int(busybox.out("inspect", "-f", "{{.State.Pid}}", "live")), signal.SIGKILL)
    harness.wait_until(lambda: busybox.out("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "live") == "1 running",
                       what="the restart")
    busybox.out("stop", "-t", "0", "live")
    assert busybox.out("wait", "live") == "137"


def test_terminal(run, busybox):
    ours, theirs = pty.openpty()
    with busybox.popen("run", "-it", "--rm", "--runtime", RUNC, "busybox", "sh", "-c", "tty; read line; echo got $line",
                       stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, b"word\n")
        out = b""
        try:
            while data := os.read(ours, 1000):
                out += data
        except OSError:
            pass
        assert process.wait(60) == 0
    os.close(ours)
    assert b"/dev/pts/0" in out and b"got word" in out


def test_it_outlives_engine_and_shim(run, busybox):
    run("-d", "--name", "outlives", "busybox", "sh", "-c", "trap 'exit 5' TERM; echo set; while :; do sleep 0.02; done")
    busybox.wait_for_log("outlives", "set")
    pid = busybox.out("inspect", "-f", "{{.State.Pid}}", "outlives")
    busybox.kill()
    busybox.start()
    shim = busybox.shims()[0]
    os.kill(shim, signal.SIGKILL)
    harness.wait_until(lambda: [p for p in busybox.shims() if p != shim], what="a successor")
    assert busybox.out("inspect", "-f", "{{.State.Pid}}", "outlives") == pid
    busybox.out("stop", "outlives")
    assert int(busybox.out("wait", "outlives")) in harness.codes_of_an_orphan(5)


def test_processes_of_another_container(run, busybox):
    busybox.out("run", "-d", "--name", "one", "--ipc", "shareable", "busybox", "sleep", "1000")
    assert "sleep" in run("--rm", "--pid", "container:one", "busybox", "cat", "/proc/1/cmdline").stdout
    run("-d", "--name", "two", "--pid", "container:one", "--restart", "always", "busybox", "sh", "-c", "sleep 2000 & sleep 1000")
    busybox.out("kill", "two")
    harness.wait_until(lambda: "2000" not in busybox.out("exec", "one", "ps"), what="the end of all")
    done = run("--rm", "--ipc", "container:one", "busybox", "true")
    assert done.returncode == 125 and "only there with cleat's own runtime" in done.stderr


@pytest.mark.parametrize("arguments,text", [
    (["--runtime", "/nosuch", "busybox", "true"], "start the runtime /nosuch: No such file or directory"),
    (["--runtime", "other", "busybox", "true"], "unknown or invalid runtime name: other"),
    (["--runtime", "/bin/false", "busybox", "true"], "/bin/false: it gives no reason"),
    (["--runtime", "/bin/true", "busybox", "true"], "read the pid file of /bin/true"),
    (["--runtime", RUNC, "--init", "busybox", "true"], "--init is only there with cleat's own runtime"),
])
def test_what_cannot_be(busybox, arguments, text):
    done = busybox.cleat("run", "--rm", *arguments, check=False)
    assert done.returncode == 125 and text in done.stderr and done.stderr.count("\n") == 1, done.stderr
    busybox.expect_nothing_left()


def test_of_the_configuration(tmp_path):
    with harness.Engine(config={"default-runtime": RUNC}) as engine:
        engine.load_busybox()
        done = engine.cleat("run", "--rm", "busybox", "nosuch", check=False)
        assert done.returncode == 127 and done.stderr.startswith(f"cleat: {RUNC}: "), done.stderr
        assert engine.out("run", "--rm", "busybox", "echo", "hi") == "hi"
