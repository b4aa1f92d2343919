# SPDX-License-Identifier: Apache-2.0
"""commit: an image of what a container changed."""
import json
import os
import subprocess

import pytest

import cgroups
import harness
import image
import layerview
import registries

pytestmark = pytest.mark.layer_drivers


def inspect(engine, name):
    return json.loads(engine.out("inspect", name))[0]


def started(engine, script, *options, name="box"):
    """A container that has done what the script says and runs on."""
    engine.out("run", "-d", "--name", name, *options, "busybox", "sh", "-c",
               f"set -e\n{script}\necho done\ntrap exit TERM; while :; do sleep 0.1; done")
    engine.wait_for_log(name, "done")
    return engine


CHANGES = r"""
echo new > /new; chown 12:34 /new; chmod 4755 /new
mkdir -p /tree/a/b; echo deep > /tree/a/b/deep; chmod 1777 /tree
ln /new /tree/twin; ln -s ../new /tree/link
mknod /tree/fifo p; mknod /tree/null c 1 3
rm /etc/group; echo more >> /etc/passwd
rm -r /home; mkdir /home; echo again > /home/again
rm -r /var; echo file > /var
printf x > "/tree/with space"; printf x > "$(printf '/tree/new\nline')"; printf x > "$(printf '/tree/\377latin')"
long=$(printf '%0150d' 0); mkdir /tree/$long; printf x > "/tree/$long/$(printf '\344%0120d' 0)"
dd if=/dev/zero of=/tree/sparse bs=1 count=1 seek=3000000 2>/dev/null
touch -d '2001-02-03 04:05:06' /tree/a
"""
# All there is to know of the files; times of what the other container makes itself are its own.
LISTING = r"""
find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -print | sort |
while read -r f; do stat -c '%n %a %u %g %F %t %T %Y' "$f"; done | grep -v '^/ \|^/etc \|^/etc/ho\|^/etc/resolv'
find /new /tree /home /etc/passwd /var -type f -exec md5sum {} + | sort
find /new /tree -type f -exec stat -c '%n %h %s' {} + | sort
readlink /tree/link
"""


def test_the_image_is_what_the_container_was(busybox):
    started(busybox, CHANGES, "-w", "/tree", "-e", "A=1", "-l", "who=me")
    before = busybox.cleat("exec", "-w", "/", "box", "sh", "-c", LISTING, text=False).stdout
    first = busybox.out("commit", "-m", "a message", "-a", "me <me@here>", "box", "made:1")
    assert first.startswith("sha256:") and len(first) == 71
    assert busybox.cleat("run", "--rm", "-w", "/", "made:1", "sh", "-c", LISTING, text=False).stdout == before
    assert b"/home/again" in before and b"/etc/group" not in before and b"/tree/twin 4755 12 34 " in before and b"/tree/twin 2 4" in before
    details = inspect(busybox, "made:1")
    assert details["Id"] == first and details["Author"] == "me <me@here>" and details["Comment"] == "a message"
    assert "A=1" in details["Config"]["Env"] and details["Config"]["WorkingDir"] == "/tree"
    assert details["Config"]["Labels"] == {"who": "me"}
    assert len(details["RootFS"]["Layers"]) == 2
    history = [json.loads(line) for line in
               busybox.out("history", "--no-trunc", "--format", "{{json .}}", "made:1").split("\n")]
    assert history[0]["Comment"] == "a message" and history[0]["CreatedBy"].startswith("sh -c") and len(history) == 2
    # a layer of a layer: deletions of what the image below made
    busybox.out("run", "--name", "second", "-w", "/", "made:1", "sh", "-c",
                "rm -r /tree; rm /home/again; mkdir /tree; echo 2 > /tree/two")
    busybox.out("commit", "second", "made:2")
    assert busybox.out("run", "--rm", "made:2", "sh", "-c", "ls /tree /home; cat /new") == "/home:\n\n/tree:\ntwo\nnew"


def test_nothing_changed_adds_no_layer(busybox):
    busybox.out("run", "--name", "box", "busybox", "true")
    busybox.out("commit", "box", "same")
    assert inspect(busybox, "same")["RootFS"] == inspect(busybox, "busybox")["RootFS"]


def test_changes(busybox):
    busybox.out("create", "--name", "box", "busybox")
    busybox.out("commit", "-c", "CMD [\"echo\", \"hi\"]", "-c", "ENV A=1 B=two", "--change", "EXPOSE 80",
                "-c", "LABEL x=y", "-c", "USER web", "-c", "WORKDIR /tmp", "-c", "VOLUME /data", "-c",
                "ONBUILD RUN x", "box", "changed")
    config = inspect(busybox, "changed")["Config"]
    assert config["Cmd"] == ["echo", "hi"] and config["ExposedPorts"] == {"80/tcp": {}}
    assert {"A=1", "B=two"} < set(config["Env"]) and config["Labels"] == {"x": "y"}
    assert config["User"] == "web" and config["WorkingDir"] == "/tmp" and config["Volumes"] == {"/data": {}}
    assert config["OnBuild"] == ["RUN x"]


@pytest.mark.parametrize("arguments,sentence", [
    (["absent"], "No such container: absent"),
    (["box", "UPPER"], "must be lowercase"),
    (["-c", "RUN x", "box"], "\"RUN\" is not a valid change command"),
    (["-c", "ENV", "box"], "ENV requires at least one argument"),
    (["-c", "EXPOSE x", "box"], "EXPOSE"),
    (["box", "a@sha256:" + "0" * 64], "digest reference"),
])
def test_wrong_input_changes_nothing(busybox, arguments, sentence):
    busybox.out("create", "--name", "box", "busybox")
    before = busybox.out("images", "-a")
    done = busybox.cleat("commit", *arguments, check=False)
    assert done.returncode == 1 and sentence in done.stderr, done.stderr
    assert busybox.out("images", "-a") == before
    busybox.expect_no_work()


def test_a_name_that_would_be_a_whiteout(busybox):
    busybox.out("run", "--name", "box", "busybox", "touch", "/tmp/.wh.x")
    done = busybox.cleat("commit", "box", check=False)
    assert done.returncode == 1 and "tmp/.wh.x" in done.stderr, done.stderr
    assert len(list((busybox.state / "layers").iterdir())) == 1


def test_it_is_paused_meanwhile(busybox):
    """One that writes all the time is caught at one moment: the two files it writes do not differ by more than one."""
    script = "i=0; while :; do i=$((i+1)); echo $i > /t; mv /t /first; echo $i > /t; mv /t /second; done & "
    started(busybox, script + "dd if=/dev/urandom of=/big bs=1M count=30 2>/dev/null; until [ -e /second ]; do sleep 0.01; done")
    busybox.out("commit", "box", "moment")
    first, second = busybox.out("run", "--rm", "moment", "cat", "/first", "/second").split()
    assert 0 <= int(first) - int(second) <= 1
    assert inspect(busybox, "box")["State"]["Status"] == "running"
    told = lambda: busybox.out("events", "--since", "1h", "--until", "0s", "--format", "{{.Action}}").split("\n")
    harness.wait_until(lambda: {"pause", "unpause", "commit"} <= set(told()), what="the events, two of which its shim tells")
    busybox.out("commit", "--pause=false", "box", "moving")
    assert told().count("pause") == 1


def test_paused_stays_paused(busybox):
    started(busybox, "echo x > /x")
    busybox.out("pause", "box")
    busybox.out("commit", "box", "it")
    assert inspect(busybox, "box")["State"]["Status"] == "paused"
    busybox.out("unpause", "box")


def test_capabilities_and_attributes_are_kept(busybox):
    """Overlay's own marks are not; what the container could have set is."""
    busybox.out("create", "--name", "box", "busybox")
    upper = busybox.state / "containers" / inspect(busybox, "box")["Id"] / "upper"
    (upper / "prog").write_text("x", encoding="ascii")
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    os.setxattr(upper / "prog", "security.capability", capability)
    os.setxattr(upper / "prog", "user.note", b"a\0b")
    os.setxattr(upper / "prog", "trusted.overlay.origin", b"x")
    busybox.out("commit", "box", "it")
    diff = inspect(busybox, "it")["RootFS"]["Layers"][-1].removeprefix("sha256:")
    with layerview.opened(busybox, diff) as root:
        assert os.getxattr(root / "prog", "security.capability") == capability
        assert os.getxattr(root / "prog", "user.note") == b"a\0b"
        assert "trusted.overlay.origin" not in os.listxattr(root / "prog")


def test_pushed(busybox, tmp_path):
    """Base gone or not, what was committed can be pushed and pulled: under every driver its bytes are kept."""
    busybox.out("run", "--name", "box", "busybox", "sh", "-c", "echo new > /new")
    with registries.Registry() as registry:
        busybox.out("commit", "box", f"{registry.host}/team/made:1")
        busybox.out("rm", "box")
        busybox.out("rmi", "busybox")
        busybox.out("push", "-q", f"{registry.host}/team/made:1")
        config = registries.skopeo("inspect", "--tls-verify=false", "--raw", "--config",
                                   f"docker://{registry.host}/team/made:1")
        wanted = inspect(busybox, f"{registry.host}/team/made:1")["Id"]
        assert "sha256:" + image.sha256(config.encode()) == wanted
        with harness.Engine() as other:
            other.out("pull", "-q", f"{registry.host}/team/made:1")
            assert other.out("run", "--rm", f"{registry.host}/team/made:1", "cat", "/new") == "new"


def test_an_engine_killed_in_it_leaves_nothing(busybox):
    """The next one lets the container go on, and nothing half made is there."""
    started(busybox, "head -c 300000000 /dev/urandom > /big")
    before = busybox.out("images", "-aq")
    frozen = cgroups.folder(busybox, "box", "" if cgroups.V2 else "freezer") / ("cgroup.freeze" if cgroups.V2 else "freezer.state")
    with busybox.popen("commit", "box", "it", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        harness.wait_until(lambda: frozen.read_text() in ("1\n", "FROZEN\n"), what="pause")  # which is not long
        busybox.kill()
        client.kill()
    busybox.start()
    harness.wait_until(lambda: inspect(busybox, "box")["State"]["Status"] == "running", what="end of the pause")
    assert busybox.out("images", "-aq") == before and len(list((busybox.state / "layers").iterdir())) == 1
    harness.wait_until(lambda: not list((busybox.state / "tmp").glob("*-*")), what="end of the lease")
    assert busybox.out("exec", "box", "echo", "alive") == "alive"
    busybox.out("commit", "box", "it")
    assert busybox.out("run", "--rm", "it", "stat", "-c", "%s", "/big") == "300000000"
