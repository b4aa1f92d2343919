# SPDX-License-Identifier: Apache-2.0
"""The journal of events, as `cleat events` shows it."""
import concurrent.futures
import json
import os
import resource
import signal
import subprocess
import time
import urllib.parse

import eventscenario
import gateway as gateways
import registries

import harness


def shown(engine, *filters):
    """All events so far that pass the filters, as the API gives them."""
    arguments = [word for f in filters for word in ("-f", f)]
    text = engine.out("events", "--since", "1h", "--until", str(int(time.time()) + 1), "--format", "json",
                      *arguments)
    return [json.loads(line) for line in text.splitlines()]


def test_filters(busybox):
    busybox.out("create", "--name", "aa", "-l", "tier=web", "busybox")
    busybox.out("create", "--name", "bb", "-l", "tier=db", "busybox")
    assert {e["Actor"]["Attributes"]["name"] for e in shown(busybox, "event=create")} == {"aa", "bb"}
    assert [e["Action"] for e in shown(busybox, "container=aa")] == ["create"]
    found = shown(busybox, "label=tier=db")
    assert [e["Actor"]["Attributes"]["name"] for e in found] == ["bb"]
    assert found[0]["Actor"]["Attributes"]["image"].startswith("busybox")
    assert {e["Type"] for e in shown(busybox, "type=image")} == {"image"}
    assert len(shown(busybox, "container=aa", "container=bb")) == 2
    assert shown(busybox, "container=aa", "event=die") == []
    done = busybox.cleat("events", "--until", "1", "-f", "nonsense=1", check=False)
    assert done.returncode == 1 and "nonsense" in done.stderr


def test_attributes(busybox):
    busybox.cleat("run", "--name", "cc", "busybox", "sh", "-c", "exit 7", check=False)
    busybox.out("rename", "cc", "dd")
    died = shown(busybox, "event=die")
    assert [e["Actor"]["Attributes"]["exitCode"] for e in died] == ["7"]
    assert len(shown(busybox, "event=rename")) == 1


def test_stop_tells_its_signals(busybox):
    for name, patience, script in (("polite", "60", "trap 'exit 3' TERM; echo set; while :; do sleep 0.02; done"),
                                   ("stubborn", "1", "trap '' TERM; echo set; while :; do sleep 0.02; done")):
        busybox.out("run", "-d", "--name", name, "busybox", "sh", "-c", script)
        busybox.wait_for_log(name, "set")
        busybox.out("stop", "-t", patience, name)
    for name, expected in (("polite", ["kill 15", "die", "stop"]), ("stubborn", ["kill 15", "kill 9", "die", "stop"])):
        told = [f"{e['Action']} {e['Actor']['Attributes'].get('signal', '')}".strip()
                for e in shown(busybox, f"container={name}")]
        assert told[-len(expected):] == expected, told


def test_follower_sees_each_event_once_through_deaths_of_the_engine(busybox):
    """The stream is resumed behind the last event that was shown."""
    cid = busybox.out("create", "--name", "cf", "busybox", "true")
    follower = busybox.popen("events", "--since", "1h", "-f", f"container={cid}", "--format", "{{.Action}}",
                             stdout=subprocess.PIPE, text=True)
    try:
        assert follower.stdout.readline() == "create\n"
        for step in ("start", "rm"):
            busybox.kill(signal.SIGKILL)
            busybox.start()
            busybox.out(step, "cf")
            if step == "start":
                assert busybox.out("wait", "cf") == "0"
        lines = [follower.stdout.readline().strip() for _ in range(3)]
        assert lines == ["start", "die", "destroy"]
    finally:
        follower.kill()
        follower.wait()
        follower.stdout.close()


def test_since_the_beginning_of_time(busybox):
    busybox.out("create", "--name", "aa", "busybox")
    ask = lambda *a: busybox.out("events", *a, "-f", "container=aa", "--format", "{{.Action}}", timeout=60)
    assert ask("--since", "0", "--until", str(int(time.time()) + 1)) == "create"
    assert ask("--since", "0", "--until", "0") == ""


def test_as_dockerd_tells_it(busybox, tmp_path):
    """What Docker's client does to images and a container is told in the words and the order that were recorded of
    dockerd."""
    recorded = json.loads(eventscenario.RECORDED.read_text(encoding="utf-8"))
    g = gateways.Gateway(busybox)
    try:
        with registries.Registry() as registry:
            told = eventscenario.run(eventscenario.Docker(f"unix://{g.path}"), registry.host, tmp_path)
        last = json.loads(g.ask("GET", f"/events?since=1&until={time.time():.9f}")[2].splitlines()[-1])
    finally:
        g.close()
    assert told == recorded
    assert last["Type"] == "network" and "status" not in last


def test_an_exec_that_is_left_by_the_keys(busybox):
    """As Docker documents it; its releases up to 20.10 fail such an exec instead."""
    busybox.out("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    g = gateways.Gateway(busybox)
    try:
        docker = eventscenario.Docker(f"unix://{g.path}")
        made = docker.ask("/v1.41/containers/box/exec", document={
            "AttachStdin": True, "AttachStdout": True, "Tty": True, "DetachKeys": "q", "Cmd": ["sleep", "1000"]})
        name = json.loads(made[made.index(b"{"):])["Id"]
        docker.ask(f"/v1.41/exec/{name}/start", b"q", document={"Tty": True})
        assert g.json("GET", f"/exec/{name}/json")["Running"]
    finally:
        g.close()
    told, = shown(busybox, "event=exec_detach")
    assert told["Actor"]["Attributes"]["execID"] == name and told["Actor"]["Attributes"]["name"] == "box"


def test_who_hears_of_an_execs_end_finds_it_ended(gateway):
    cid = gateway.json("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"]}, 201)["Id"]
    gateway.json("POST", f"/containers/{cid}/start", status=204)
    listener = gateways.Unix(gateway.path)
    listener.request("GET", "/events?filters=" + urllib.parse.quote(json.dumps({"event": ["exec_die"], "container": [cid]})))
    told = listener.getresponse()

    def run(_):
        eid = gateway.json("POST", f"/containers/{cid}/exec", {"Cmd": ["sh", "-c", "exit 3"]}, 201)["Id"]
        assert gateway.ask("POST", f"/exec/{eid}/start", {"Detach": True})[0] == 200

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = pool.map(run, range(200))
        for _ in range(200):
            found = gateway.json("GET", f"/exec/{json.loads(told.readline())['Actor']['Attributes']['execID']}/json")
            assert (found["Running"], found["ExitCode"]) == (False, 3)
        list(runs)
    listener.close()
    gateway.json("DELETE", f"/containers/{cid}?force=1", status=204)


def test_who_hears_of_a_start_or_a_pause_can_see_it(busybox):
    def has_told(*actions):
        return busybox.out("events", "--since", "0", "--until", "0s", "--filter", "container=one", "--format", "{{.Action}}",
                           *(word for a in set(actions) for word in ("--filter", f"event={a}"))).split() == list(actions)

    def state():
        return json.loads(busybox.out("inspect", "one"))[0]["State"]

    busybox.out("run", "-d", "--name", "one", "--restart", "always", "busybox", "sleep", "1000")
    pid, (shim,) = state()["Pid"], busybox.shims()
    with harness.slowed(shim, "pwrite64"):  # by which the status is written
        os.kill(pid, signal.SIGKILL)
        harness.wait_until(lambda: has_told("start", "start"), what="another start")
        assert state()["Running"] and state()["Pid"] not in (0, pid)
        with busybox.popen("pause", "one", stdout=subprocess.DEVNULL) as pause:
            harness.wait_until(lambda: has_told("pause"), what="the pause")
            assert state()["Paused"]
            assert pause.wait(60) == 0


def test_images_in_a_stream_of_the_old_form(busybox):
    """status and id are there for images, too, as clients before 1.22 read them."""
    g = gateways.Gateway(busybox)
    try:
        told = [json.loads(line) for line in g.ask("GET", f"/events?since=1&until={time.time():.9f}")[2].splitlines()]
    finally:
        g.close()
    assert [(e["status"], e["id"] == e["Actor"]["ID"]) for e in told] == [("load", True)]


def test_an_engine_out_of_descriptors_answers_and_loses_nothing(busybox):
    """Calls are refused while there is a reserve; of what the shims tell each event is recorded without any."""
    shared = busybox.root / "shared"
    shared.mkdir()
    names = ["one", "two", "three"]
    for name in names:
        busybox.out("run", "-d", "-v", f"{shared}:/shared", "--name", name, "busybox", "sh", "-c",
                    "while [ ! -e /shared/go ]; do sleep 0.02; done; exit 5")
    pids = [int(busybox.out("inspect", "-f", "{{.State.Pid}}", name)) for name in names]
    engine, = busybox.engine_pids()
    before = resource.prlimit(engine, resource.RLIMIT_NOFILE)
    used = lambda: {int(number) for number in os.listdir(f"/proc/{engine}/fd")}
    limit = lambda n: resource.prlimit(engine, resource.RLIMIT_NOFILE, (n, before[1]))

    def is_refused():
        """With a limit by which the numbers left of it are the reserve: none below is to be free (fd_scarce()). A connection
        that has ended may have had one until now."""
        held = used()
        limit(next(n for n in range(len(held) + 8, 2 * len(held)) if n - n // 4 in held))
        told = busybox.cleat("ps", check=False)
        return told.returncode == 1 and "too many open files" in told.stderr

    harness.wait_until(is_refused, what="a call that is refused")
    limit(len(used()))
    (shared / "go").touch()
    harness.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), what="the end of all")
    limit(before[0])
    assert busybox.out("wait", *names).split() == ["5"] * 3
    ends = busybox.out("events", "--since", "1h", "--until", str(int(time.time()) + 1), "-f", "event=die", "--format",
                       "{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}").splitlines()
    assert sorted(ends) == sorted(f"{name} 5" for name in names)
    assert busybox.out("ps", "-aq", "-f", "status=exited").count("\n") == 2
