# SPDX-License-Identifier: Apache-2.0
"""What containers use: the command line, the RPC's stream through it, and Docker's statistics."""
import json
import pathlib
import re
import subprocess

import pytest

import harness

V2 = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
BUSY = ("sh", "-c", "trap 'exit 0' TERM; while :; do :; done")
COLUMNS = "{{.Container}} {{.ID}} {{.Name}} {{.CPUPerc}} {{.MemPerc}} {{.PIDs}}"


def rows(engine, *arguments):
    text = engine.out("stats", "--no-stream", "--format", "json", *arguments)
    return [json.loads(line) for line in text.splitlines()]


def per_cent(text):
    return float(text.rstrip("%"))


@pytest.fixture(scope="module")
def used(gateway):
    """A gateway with three containers: `busy` that computes, `idle` that sleeps, `over` that has ended."""
    out = gateway.engine.out
    out("run", "-d", "--name", "busy", "busybox", *BUSY)
    out("run", "-d", "--name", "idle", "-m", "64m", "--pids-limit", "20", "busybox", "sleep", "1000")
    out("run", "--name", "over", "busybox", "true")
    return gateway


def test_all_that_run(used):
    shown = rows(used.engine)
    assert sorted(r["Name"] for r in shown) == ["busy", "idle"]
    idle = next(r for r in shown if r["Name"] == "idle")
    assert re.fullmatch(r"[\d.]+[KM]iB / 64MiB", idle["MemUsage"])
    assert 0 < per_cent(idle["MemPerc"]) < 100
    assert idle["PIDs"] == "1" and idle["NetIO"] == "0B / 0B"
    assert sorted(idle) == ["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"]


def test_a_single_look_has_a_rate(used):
    """The processor's share since the start, then since the last look."""
    for _ in range(2):
        harness.wait_until(lambda: per_cent(rows(used.engine, "busy")[0]["CPUPerc"]) > 5, what="a busy container")
        # what its start took is a share of the time since then, which grows
        harness.wait_until(lambda: per_cent(rows(used.engine, "idle")[0]["CPUPerc"]) < 5, what="an idle container")


def test_named_containers_and_their_columns(used):
    full = used.engine.out("inspect", "--format", "{{.Id}}", "idle")
    lines = used.engine.out("stats", "--no-stream", "--format", COLUMNS, "idle", full[:6]).splitlines()
    assert [line.split()[0] for line in lines] == ["idle", "idle"]
    assert lines[0].split()[1:3] == [full[:12], "idle"]
    whole = used.engine.out("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}}", "idle")
    assert whole == full
    table = used.engine.out("stats", "--no-stream", "idle").splitlines()
    assert re.split(r"  +", table[0].strip()) == ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %",
                                                  "NET I/O", "BLOCK I/O", "PIDS"]
    assert used.engine.out("container", "stats", "--no-stream", "--format", "table {{.Container}}",
                           "idle").splitlines() == ["CONTAINER", "idle"]


def test_one_that_does_not_run_uses_nothing(used):
    shown = {r["Name"]: r for r in rows(used.engine, "-a")}
    assert sorted(shown) == ["busy", "idle", "over"]
    assert shown["over"]["MemUsage"] == "0B / 0B" and shown["over"]["CPUPerc"] == "0.00%"
    assert shown["over"]["PIDs"] == "0"
    assert rows(used.engine, "over")[0]["Name"] == "over"


def test_one_that_is_not_there(used):
    done = used.engine.cleat("stats", "--no-stream", "none-such", check=False)
    assert done.returncode == 1 and "No such container: none-such" in done.stderr


def test_a_stream_sees_who_comes_and_goes(busybox):
    """Ended by a new engine's take-over it goes on there."""
    busybox.out("run", "-d", "--name", "first", "busybox", "sleep", "1000")
    with busybox.popen("stats", "--format", "{{.Name}}", stdout=subprocess.PIPE, text=True) as stream:
        try:
            assert stream.stdout.readline() == "first\n"
            busybox.out("run", "-d", "--name", "second", "busybox", "sleep", "1000")
            busybox.out("rm", "-f", "first")
            while stream.stdout.readline() != "second\n":
                pass
            busybox.kill()
            busybox.start()
            busybox.out("run", "-d", "--name", "third", "busybox", "sleep", "1000")
            while stream.stdout.readline() != "third\n":
                pass
            assert stream.poll() is None
        finally:
            stream.terminate()


def test_a_stream_of_a_container_ends_with_it(busybox):
    busybox.out("run", "-d", "--name", "one", "busybox", "sleep", "1000")
    with busybox.popen("stats", "--format", "{{.Name}}", "one", stdout=subprocess.PIPE, text=True) as stream:
        assert stream.stdout.readline() == "one\n"
        busybox.out("rm", "-f", "one")
        assert set(stream.stdout) <= {"one\n"}
        assert stream.wait(60) == 0


def test_docker_once(used):
    one = used.json("GET", "/containers/idle/stats?stream=0")
    assert one["name"] == "/idle" and len(one["id"]) == 64
    assert one["preread"] < one["read"] and one["preread"][0] == "2"
    for part in ("cpu_stats", "precpu_stats"):
        assert one[part]["online_cpus"] >= 1 and one[part]["system_cpu_usage"] > 0
    assert one["cpu_stats"]["system_cpu_usage"] > one["precpu_stats"]["system_cpu_usage"]
    assert one["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert one["pids_stats"] == {"current": 1, "limit": 20}
    assert one["memory_stats"]["limit"] == 64 << 20 and 0 < one["memory_stats"]["usage"] <= 64 << 20
    assert ("inactive_file" if V2 else "total_inactive_file") in one["memory_stats"]["stats"]
    assert ("max_usage" in one["memory_stats"]) == (not V2)
    assert isinstance(one["blkio_stats"]["io_service_bytes_recursive"], list)


def test_docker_one_shot_has_nothing_before(used):
    one = used.json("GET", "/containers/idle/stats?stream=false&one-shot=true")
    assert one["preread"] == "0001-01-01T00:00:00Z" and one["read"][0] == "2"
    assert one["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    assert one["cpu_stats"]["cpu_usage"]["total_usage"] > 0


def test_docker_of_what_does_not_run(used):
    one = used.json("GET", "/containers/over/stats?stream=0")
    assert one["read"] == "0001-01-01T00:00:00Z" and one["memory_stats"] == {} and one["pids_stats"] == {}
    assert used.json("GET", "/containers/none-such/stats", status=404)["message"] == "No such container: none-such"


def test_dockers_own_client(used):
    done = used.docker("stats", "--no-stream", "--format", "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}")
    assert done.returncode == 0, done
    shown = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert sorted(shown) == ["busy", "idle"]
    assert shown["idle"][-2:] == ["64MiB", "1"]


def test_a_stream_over_http_has_the_sample_before(used):
    with subprocess.Popen(["curl", "-sN", "--unix-socket", used.path, "http://d/v1.43/containers/busy/stats"],
                          stdout=subprocess.PIPE, text=True) as curl:
        try:
            first, second = (json.loads(curl.stdout.readline()) for _ in range(2))
        finally:
            curl.terminate()
    assert first["preread"] < first["read"] and first["preread"][0] == "2"
    assert second["preread"] == first["read"]
    assert second["precpu_stats"] == first["cpu_stats"]
