# SPDX-License-Identifier: Apache-2.0
"""diff: what a container changed, told as Docker tells it."""
import os

import pytest

import harness
import image

pytestmark = pytest.mark.layer_drivers


def diff(engine, name="box"):
    return engine.out("diff", name).split("\n") if engine.out("diff", name) else []


def ran(engine, script, of="busybox", name="box"):
    engine.out("run", "--name", name, of, "sh", "-ec", script)


def test_nothing(busybox):
    busybox.out("create", "--name", "box", "busybox")
    assert not diff(busybox)
    busybox.out("start", "box")
    busybox.out("wait", "box")
    assert not diff(busybox)


def test_changes(busybox):
    ran(busybox, """
        echo x > /etc/new; echo x >> /etc/passwd; rm /etc/group
        mkdir -p /made/deep; echo x > /made/deep/file; ln -s x /made/link
        rm -r /home; mkdir /home; echo x > /home/x
        chmod 711 /root; touch /tmp/a; rm /tmp/a; printf x > "/tmp/with space"
        rm -r /var; echo > /var""")
    assert diff(busybox) == ["C /etc", "D /etc/group", "A /etc/new", "C /etc/passwd", "C /home", "A /home/x",
                             "A /made", "A /made/deep", "A /made/deep/file", "A /made/link", "C /root",
                             "C /tmp", "A /tmp/with space", "C /var"]


def test_of_a_directory_that_was_replaced(busybox):
    """What the new one does not have is gone; of what it has nothing shows but that it is changed."""
    ran(busybox, "mkdir /d; echo 1 > /d/stays; echo 1 > /d/goes; mkdir /d/sub")
    busybox.out("commit", "box", "base")
    ran(busybox, "rm -r /d; mkdir /d; echo 2 > /d/stays; echo 2 > /d/comes", "base", "next")
    assert diff(busybox, "next") == ["C /d", "D /d/goes", "D /d/sub", "A /d/comes", "C /d/stays"]
    ran(busybox, "rm -r /d/sub", "base", "third")
    assert diff(busybox, "third") == ["C /d", "D /d/sub"]


def test_running_is_as_stopped(busybox):
    busybox.out("run", "-d", "--name", "box", "--tmpfs", "/scratch", "busybox", "sh", "-c",
                "echo x > /new; echo x > /scratch/x; echo done; sleep 100")
    busybox.wait_for_log("box", "done")
    running = diff(busybox)
    assert running == ["A /new", "A /scratch"]
    busybox.out("kill", "box")
    busybox.out("wait", "box")
    assert diff(busybox) == running


def test_read_only_and_missing(busybox):
    busybox.out("run", "--name", "box", "--read-only", "busybox", "true")
    assert not diff(busybox)
    done = busybox.cleat("diff", "absent", check=False)
    assert done.returncode == 1 and "No such container: absent" in done.stderr
    assert busybox.cleat("diff", check=False).returncode == 1


def test_names_that_are_no_text(busybox):
    ran(busybox, "printf x > \"$(printf '/tmp/\\377x')\"")
    assert diff(busybox) == ["C /tmp", "A /tmp/�x"]


def test_many(busybox):
    ran(busybox, "mkdir /m; for i in $(seq 1 200); do mkdir /m/$i; for k in 1 2 3 4 5; do : > /m/$i/$k; done; done")
    assert len(diff(busybox)) == 1 + 200 * 6


def test_nothing_is_left_mounted(busybox):
    ran(busybox, "echo x > /new")
    before = harness.mounts_of(busybox)
    assert diff(busybox) == ["A /new"]
    assert harness.mounts_of(busybox) == before
    assert not os.listdir(busybox.state / "rootfs")


@pytest.mark.parametrize("layers", [[image.Layer().bytes()], []])
def test_an_image_of_nothing(engine, layers):
    engine.cleat("load", text=False, input=image.docker_archive(["empty:1"], layers, image.config(layers)))
    engine.out("create", "--name", "box", "empty:1", "x")
    assert not diff(engine)
