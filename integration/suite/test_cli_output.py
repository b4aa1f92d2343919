# SPDX-License-Identifier: Apache-2.0
"""What the commands print and how they end, as people's scripts know it from docker."""
import contextlib
import json
import os
import pty
import shlex
import shutil
import time

import image
import pytest


@pytest.fixture(scope="module")
def cli(module_engine):
    module_engine.cleat("run", "-d", "--name", "shown", "--label", "a=b,c", "-v", "/tmp:/b:ro", "busybox", "sleep", "1000")
    return module_engine


@pytest.mark.parametrize("template,text", [
    ("{{.Names}} {{.Image}} {{.Command}} {{.State}} {{.Mounts}} {{.Networks}}", 'shown busybox "sleep 1000" running /tmp none'),
    ('{{.Label "a"}}|{{.Label "none"}}|{{.Labels}}', "b,c||a=b,c"),
    ("table {{.Names}}\t{{.Status}}", None),
])
def test_ps_format(cli, template, text):
    out = cli.out("ps", "--filter", "name=shown", "--format", template)
    assert out == text if text else out.split("\n")[0].split() == ["NAMES", "STATUS"]


@pytest.mark.parametrize("name,head", [("shown", ["NAMES", "a"]), ("nobody", ["NAMES"])])
def test_ps_table_of_a_label(cli, name, head):
    out = cli.out("ps", "--filter", f"name={name}", "--format", 'table {{.Names}}\t{{.Label "a"}}').splitlines()
    assert out[0].split() == head
    assert [line.split() for line in out[1:]] == ([["shown", "b,c"]] if name == "shown" else [])


def test_ps_json_has_dockers_fields(cli):
    for template in ("json", "{{json .}}"):
        row = json.loads(cli.out("ps", "--filter", "name=shown", "--format", template))
        assert set(row) == {"ID", "Image", "Command", "CreatedAt", "RunningFor", "Status", "State", "Ports", "Names", "Labels",
                            "Mounts", "Networks", "LocalVolumes", "Size"}


def test_events_format(cli):
    arguments = ["events", "--since", "1", "--until", f"{time.time():.9f}", "--filter", "container=shown", "--format"]
    first = cli.out(*arguments, "{{.Time}} {{.TimeNano}} {{.Status}} {{.From}} {{.Actor.Attributes.name}}").splitlines()[0].split()
    assert int(first[1]) // 10 ** 9 == int(first[0]) and first[2:] == ["create", "busybox", "shown"]
    event = json.loads(cli.out(*arguments, "json").splitlines()[0])
    assert event["Type"] == "container" and event["time"] == int(first[0])


def test_info(cli):
    info = json.loads(cli.out("info", "--format", "json"))
    assert info["Images"] == 1 and info["Driver"] and info["DefaultRuntime"] == "cleat-oci" and info["LoggingDriver"] == "local"
    text = cli.out("info")
    assert " Default Runtime: cleat-oci\n" in text and "GiB\n" in text and f" Operating System: {info['OperatingSystem']}\n" in text


@pytest.mark.parametrize("arguments,code,text", [
    ("top none", 1, "No such container: none"),
    ("exec none true", 1, "No such container: none"),
    ("exec shown nothing", 127, "executable file not found in $PATH"),
    ("exec shown /etc", 126, "permission denied"),
    ("exec shown sh -c 'exit 9'", 9, ""),
    ("create --pull never none", 1, "No such image: none"),
    ("run --pull never none", 125, "No such image: none"),
    ("run --rm busybox /no/thing", 127, "no such file or directory"),
    ("rename shown shown", 1, "same name as its current name"),
    ("ps --nonsense", 125, "unknown flag: --nonsense"),
    ("ps --filter nonsense=1", 1, "invalid filter 'nonsense'"),
    ("ps --format {{.Nonsense}}", 1, "can't evaluate field Nonsense"),
    ("nonsense", 1, "unknown command: cleat nonsense"),
    ("kill -s NONSENSE shown", 1, "invalid signal: NONSENSE"),
    ("rm shown", 1, "stop the container before removing or force remove"),
    ("rmi busybox", 1, "conflict: unable to remove repository reference"),
    ("rmi -f none", 0, "No such image: none"),
    ("image remove none", 1, "No such image: none"),
    ("wait", 1, "wait requires at least 1 argument"),
])
def test_how_it_ends(cli, arguments, code, text):
    done = cli.cleat(*shlex.split(arguments), check=False)
    assert (done.returncode, text in done.stderr) == (code, True), done.stderr


def on_a_terminal(engine, *arguments):
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    with engine.popen(*arguments, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        out = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while part := os.read(ours, 65536):
                out += part
    os.close(ours)
    assert process.returncode == 0, out
    return out


EVIL = "\x1b]0;title\x07\x9b31m\tx\ny\r"


def test_terminals_get_no_commands(busybox):
    """From names of files, of what made a layer, from labels; programs get what there is, and JSON is JSON."""
    layer = image.busybox_layer()
    conf = json.loads(image.config([layer], Labels={"evil": EVIL}))
    conf["history"][0].update(created_by=EVIL, comment=EVIL)
    busybox.cleat("load", text=False, input=image.docker_archive(["evil:1"], [layer], json.dumps(conf).encode()))
    busybox.out("run", "--name", "box", "--label", f"evil={EVIL}", "evil:1", "sh", "-c", "mkdir /d; touch /d/\"$0\"", EVIL)
    commands = [("history", "evil:1"), ("history", "--no-trunc", "evil:1"), ("diff", "box"), ("ps", "-a", "--no-trunc"),
                ("ps", "-a", "--format", "{{.Labels}}"), ("inspect", "box"), ("images",), ("image", "inspect", "evil:1"),
                ("inspect", "-f", "{{.Config.Labels}}", "box"), ("history", "--format", "json", "evil:1"),
                ("inspect", "-f", "{{json .Config.Labels}}", "box")]
    for command in commands:
        out = on_a_terminal(busybox, *command).replace(b"\r\n", b"\n")
        assert not set(out) & (set(range(0x20)) - {9, 10} | {0x7f}) and b"\xc2\x9b" not in out, (command, out)
    assert b"/d/\\u001b]0;title\\u0007\\u009b31m\\u0009x\\u000ay\\u000d" in on_a_terminal(busybox, "diff", "box")
    assert json.loads(on_a_terminal(busybox, "inspect", "box"))[0]["Config"]["Labels"]["evil"] == EVIL
    assert json.loads(busybox.out("inspect", "box"))[0]["Config"]["Labels"]["evil"] == EVIL
    raw = busybox.cleat("history", "--format", "{{.CreatedBy}}", "--no-trunc", "evil:1", text=False).stdout
    assert raw.decode() == EVIL.replace("\t", " ") + "\n"  # as Docker has it
    assert len(busybox.out("history", "evil:1").split("\n")) == 2 == len(busybox.out("ps", "-a").split("\n"))
    assert "A /d/\x1b]0;title" in busybox.out("diff", "box")


def test_why_an_overlay_was_refused(busybox):
    """Says nothing of what the engine tried before."""
    made = busybox.out("create", "busybox")
    shutil.rmtree(busybox.state / "containers" / made / "upper")
    (busybox.state / "containers" / made / "upper").write_text("no directory")
    done = busybox.cleat("start", made, check=False)
    assert done.returncode == 1 and "overlay" in done.stderr and "no-such-option" not in done.stderr, done.stderr
