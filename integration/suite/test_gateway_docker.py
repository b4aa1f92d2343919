# SPDX-License-Identifier: Apache-2.0
"""Docker's own clients against the gateway: what they show, and how they end."""
import json
import shutil
import time
import urllib.parse

import pytest

import harness

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="no docker client on this machine")


def remove(gateway, *names):
    assert gateway.docker("rm", "-f", *names).returncode == 0


def test_inspect_tells_what_was_asked_for(gateway, tmp_path):
    (tmp_path / "env").write_text("A=1\n")
    done = gateway.docker("run", "-d", "--name", "asked", "--restart", "on-failure:3", "-v", f"{tmp_path}:/b:ro",
                          "--tmpfs", "/t:size=1m", "--read-only", "--env-file", str(tmp_path / "env"), "-e", "K=V",
                          "-w", "/tmp", "-u", "1:1", "--label", "a=b", "--log-driver", "json-file", "--log-opt",
                          "max-size=1m", "--stop-timeout", "3", "--init", "-h", "hh", "--entrypoint", "sleep",
                          "busybox", "1000")
    assert done.returncode == 0, done.stderr
    c = json.loads(gateway.docker("inspect", "asked").stdout)[0]
    host, config = c["HostConfig"], c["Config"]
    assert (c["State"]["Status"], c["State"]["Running"], c["State"]["ExitCode"]) == ("running", True, 0)
    assert c["State"]["Pid"] > 0 and c["Path"] == "sleep" and c["Args"] == ["1000"]
    assert [(m["Type"], m["Source"], m["Destination"], m["Mode"], m["RW"]) for m in c["Mounts"]] == [
        ("bind", str(tmp_path), "/b", "ro", False)]
    assert list(c["NetworkSettings"]["Networks"]) == ["none"]
    assert host["Binds"] == [f"{tmp_path}:/b:ro"] and host["Tmpfs"] == {"/t": "size=1m"}
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert host["ReadonlyRootfs"] and host["Init"] and host["LogConfig"]["Config"] == {"max-size": "1m"}
    assert {"A=1", "K=V"} <= set(config["Env"]) and config["Labels"] == {"a": "b"}
    assert (config["Hostname"], config["User"], config["WorkingDir"], config["StopTimeout"]) == ("hh", "1:1", "/tmp", 3)
    shown = gateway.docker("ps", "--filter", "name=asked", "--format", "{{.Names}} {{.Mounts}} {{.Networks}} {{.State}}").stdout
    assert shown.startswith("asked ") and shown.endswith(" none running\n")
    remove(gateway, "asked")


def test_namespaces_of_another_container(gateway):
    gateway.docker("run", "-d", "--name", "one", "--ipc", "shareable", "busybox", "sleep", "1000")
    ident = gateway.docker("inspect", "-f", "{{.Id}}", "one").stdout.strip()
    join = ("--pid", "container:one", "--ipc", "container:one")
    done = gateway.docker("run", "--name", "two", *join, "busybox", "cat", "/proc/1/cmdline")
    assert done.returncode == 0 and "sleep" in done.stdout, done
    modes = gateway.docker("inspect", "-f", "{{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}", "two").stdout
    assert modes == f"container:{ident} container:{ident}\n"
    gateway.docker("kill", "one")
    done = gateway.docker("start", "two")
    assert done.returncode == 1 and f"cannot join PID of a non running container: {ident}" in done.stderr, done
    done = gateway.docker("create", "--pid", "container:nobody", "busybox")
    assert done.returncode == 1 and "No such container: nobody" in done.stderr, done
    remove(gateway, "one", "two")


def test_what_cannot_be_executed(gateway):
    for program, code, text in (("nothing", 127, "executable file not found in $PATH"),
                                ("/no/thing", 127, "no such file or directory"), ("/etc", 126, "permission denied")):
        done = gateway.docker("run", "--rm", "busybox", program)
        assert done.returncode == code and text in done.stderr, done
    gateway.docker("run", "-d", "--name", "target", "busybox", "sleep", "1000")
    for program, code, text in (("nothing", 127, "executable file not found in $PATH"), ("/etc", 126, "permission denied")):
        for flags in ([], ["-i"]):
            done = gateway.docker("exec", *flags, "target", program)
            assert done.returncode == code and "OCI runtime exec failed" in done.stdout and text in done.stdout, done
    remove(gateway, "target")


def test_another_platform_is_refused(gateway):
    done = gateway.docker("run", "--rm", "--pull", "never", "--platform", "linux/arm64", "busybox", "true")
    assert done.returncode == 125 and "does not match the specified platform" in done.stderr
    assert gateway.docker("run", "--rm", "--platform", "linux/amd64", "busybox", "true").returncode == 0
    for command in (["history"], ["push"]):
        done = gateway.docker(*command, "--platform", "linux/arm64", "busybox")
        assert done.returncode == 1 and "does not match the specified platform" in done.stderr, done
    assert gateway.docker("history", "--platform", "linux/amd64", "busybox").returncode == 0
    for path in ("json", "history"):
        assert "invalid platform" in gateway.json("GET", f"/images/busybox/{path}?platform=x", status=400)["message"]


def test_info(gateway):
    info = json.loads(gateway.docker("info", "--format", "{{json .}}").stdout)
    assert info["Images"] == 1 and info["Driver"] and info["OperatingSystem"] and info["LiveRestoreEnabled"]


def test_stats_and_update(gateway):
    gateway.docker("run", "-d", "--name", "no", "busybox", "sleep", "1000")
    done = gateway.docker("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "no")
    assert done.stdout == "no 1\n", done
    assert gateway.docker("update", "--pids-limit", "77", "no").returncode == 0
    assert json.loads(gateway.docker("inspect", "no").stdout)[0]["HostConfig"]["PidsLimit"] == 77
    gateway.docker("rm", "-f", "no")


def test_swarm_is_not_there(gateway):
    assert "not a swarm manager" in gateway.docker("node", "ls").stderr


def test_logs_flags(gateway):
    gateway.docker("run", "--name", "lines", "busybox", "sh", "-c", "echo 1; echo 2; echo 3")
    assert gateway.docker("logs", "--tail", "2", "lines").stdout == "2\n3\n"
    assert gateway.docker("logs", "--tail", "0", "lines").stdout == ""
    stamped = gateway.docker("logs", "-t", "lines").stdout.splitlines()
    assert [line.split(" ")[1] for line in stamped] == ["1", "2", "3"] and stamped[0][10] == "T"
    assert gateway.docker("logs", "--since", stamped[0].split(" ")[0], "lines").stdout == "1\n2\n3\n"
    assert gateway.docker("logs", "--since", "2999-01-01T00:00:00Z", "lines").stdout == ""
    assert gateway.docker("logs", "--until", "2020-01-01T00:00:00Z", "lines").stdout == ""
    assert gateway.docker("wait", "lines").stdout == "0\n"
    remove(gateway, "lines")


def test_events_of_a_life(gateway):
    gateway.docker("run", "--name", "told", "busybox", "sh", "-c", "exit 3")
    remove(gateway, "told")
    filters = urllib.parse.quote(json.dumps({"container": {"told": True}}))
    _, _, body = gateway.ask("GET", f"/events?since=0&until={time.time():.9f}&filters={filters}")
    events = [json.loads(line) for line in body.splitlines()]
    assert [e["Action"] for e in events] == ["create", "attach", "start", "die", "destroy"]
    assert events[3]["Actor"]["Attributes"]["exitCode"] == "3" and events[3]["status"] == "die"
    assert events[3]["id"] == events[3]["Actor"]["ID"] and events[3]["from"] == "busybox"


def test_restarting_counts_as_running(gateway):
    gateway.docker("run", "-d", "--name", "again", "--restart", "always", "busybox", "false")
    state = harness.wait_until(lambda: (lambda s: s if s["Restarting"] else None)(
        gateway.json("GET", "/containers/again/json")["State"]), 60, "a restart")
    assert state["Running"] and state["Status"] == "restarting"
    remove(gateway, "again")


def test_what_runs_has_no_exit_code(gateway):
    gateway.docker("run", "--name", "twice", "busybox", "sh", "-c", "[ -e /again ] && exec sleep 1000; touch /again; exit 3")
    look = ["inspect", "-f", "{{.State.Running}} {{.State.ExitCode}}", "twice"]
    assert gateway.docker(*look).stdout == "false 3\n"
    gateway.docker("start", "twice")
    assert gateway.docker(*look).stdout == "true 0\n"
    remove(gateway, "twice")


def test_history_tag_event_and_prune(gateway):
    assert "layer 0" in gateway.docker("history", "--no-trunc", "busybox").stdout
    assert gateway.docker("tag", "busybox", "docker.io/some/name:1").returncode == 0
    assert gateway.docker("rmi", "some/name:1").stdout == "Untagged: some/name:1\n"
    _, _, body = gateway.ask("GET", f"/events?since=1&until={time.time():.9f}&filters=%7B%22type%22%3A%5B%22image%22%5D%7D")
    told = [(e["Action"], e["Actor"]["ID"], e["Actor"]["Attributes"]["name"]) for e in map(json.loads, body.splitlines())]
    image_id = told[-1][1]
    assert told[-2:] == [("tag", image_id, "some/name:1"), ("untag", image_id, image_id)]
    done = gateway.docker("image", "prune", "-f")
    assert done.returncode == 0 and "Total reclaimed space: 0B" in done.stdout
