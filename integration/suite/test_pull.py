# SPDX-License-Identifier: Apache-2.0
"""pull from a real registry of what skopeo pushed: what comes, what is told, what is kept."""
import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import harness
import image
import pytest
import registries
import tcpproxy

pytestmark = pytest.mark.layer_drivers


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A plain registry with x:1 of two layers in it."""
    with registries.Registry() as r:
        folder = tmp_path_factory.mktemp("archive")
        layers = [image.busybox_layer(), image.Layer().add("more", b"m" * 5000).bytes()]
        r.skopeo_push(registries.archive_file(folder, layers), "team/x:1")
        yield r


def blobs(engine):
    folder = engine.state / "blobs/sha256"
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def assert_clean(engine):
    """No lease and no part of a blob is left."""
    engine.expect_no_work()
    assert not list((engine.state / "tmp").glob("partial/*"))


def test_pull_and_run(engine, registry):
    name = f"{registry.host}/team/x:1"
    digest, manifest = registry.manifest("team/x", "1")
    done = engine.cleat("pull", name)
    assert done.stdout.splitlines() == [f"Digest: {digest}", f"Status: Downloaded newer image for {name}", name]
    lines = done.stderr.splitlines()
    assert lines[0] == "1: Pulling from team/x"
    for layer in json.loads(manifest)["layers"]:
        short = layer["digest"][7:19]
        told = [line for line in lines if line.startswith(short)]
        assert told == [f"{short}: Pulling fs layer", f"{short}: Download complete", f"{short}: Pull complete"]
    assert engine.out("run", "--rm", name, "wc", "-c", "/more") == "5000 /more"
    # every byte that came is kept
    described = json.loads(manifest)
    wanted = [digest, described["config"]["digest"], *(layer["digest"] for layer in described["layers"])]
    assert blobs(engine) == sorted(d[7:] for d in wanted)
    for d in wanted:
        assert image.sha256((engine.state / "blobs/sha256" / d[7:]).read_bytes()) == d[7:]
    assert_clean(engine)
    again = engine.cleat("pull", name)
    assert again.stdout.splitlines()[1] == f"Status: Image is up to date for {name}"
    assert engine.out("pull", "-q", name) == name


def test_run_pulls_what_is_missing(engine, registry):
    name = f"{registry.host}/team/x:1"
    done = engine.cleat("run", "--rm", name, "echo", "ok")
    assert done.stdout == "ok\n"
    assert done.stderr.startswith(f"Unable to find image '{name}' locally\n")
    assert f"Status: Downloaded newer image for {name}" in done.stderr
    engine.out("rmi", name)
    assert not blobs(engine) and not any((engine.state / "layers").iterdir())
    done = engine.cleat("run", "--pull", "never", name, check=False)
    assert done.returncode == 125 and "No such image" in done.stderr
    done = engine.cleat("create", "-q", "--pull", "always", name)
    assert done.stderr == ""


def test_run_pulls_what_it_mounts(engine, registry):
    name = f"{registry.host}/team/x:1"
    engine.load_busybox()
    run = ("run", "--rm", "--network", "none", "--mount", f"type=image,source={name},target=/mnt")
    done = engine.cleat(*run, "--pull", "never", "busybox", "wc", "-c", "/mnt/more", check=False)
    assert done.returncode == 125 and f"No such image: {name}" in done.stderr
    done = engine.cleat(*run, "busybox", "wc", "-c", "/mnt/more")
    assert done.stdout == "5000 /mnt/more\n" and done.stderr.startswith(f"Unable to find image '{name}' locally\n")
    assert engine.cleat(*run, "busybox", "wc", "-c", "/mnt/more").stderr == ""
    engine.out("rmi", name)


def test_digests(engine, registry):
    name = f"{registry.host}/team/x"
    digest, _ = registry.manifest("team/x", "1")
    done = engine.cleat("pull", f"{name}@{digest}")
    assert done.stdout.splitlines()[-1] == f"{name}@{digest}"
    assert json.loads(engine.out("image", "inspect", f"{name}@{digest}"))[0]["RepoDigests"] == [f"{name}@{digest}"]
    assert engine.out("run", "--rm", f"{name}@{digest}", "echo", "ok") == "ok"
    shown = ("images", "--digests", "--format", "{{.Repository}}:{{.Tag}} {{.Digest}}")
    assert engine.out(*shown) == f"{name}:<none> {digest}"
    engine.out("pull", "-q", f"{name}:1")
    engine.out("tag", f"{name}:1", "another:2")
    assert engine.out(*shown).splitlines() == [f"{name}:1 {digest}", "another:2 <none>"]
    done = engine.cleat("pull", f"{name}@sha256:{'0' * 64}", check=False)
    assert done.returncode == 1 and "not found" in done.stderr


def test_rmi_takes_the_digests_of_a_repository(engine, registry):
    name = f"{registry.host}/team/x"
    digest, _ = registry.manifest("team/x", "1")
    engine.out("pull", "-q", f"{name}:1")
    identity = engine.out("images", "-q", "--no-trunc")
    engine.out("tag", f"{name}:1", f"{name}:2")
    assert engine.out("rmi", f"{name}:2") == f"Untagged: {name}:2"
    assert engine.out("rmi", f"{name}:1").splitlines() == [f"Untagged: {name}:1", f"Untagged: {name}@{digest}",
                                                         f"Deleted: {identity}"]
    engine.out("pull", "-q", f"{name}@{digest}")
    assert engine.out("image", "prune", "-f") == "Total reclaimed space: 0B"
    assert engine.out("rmi", f"{name}@{digest}").splitlines() == [f"Untagged: {name}@{digest}", f"Deleted: {identity}"]
    assert not blobs(engine)


def test_progress_on_a_terminal(engine, registry):
    """A layer has a line that is drawn over, with bytes and pace; standard output is the same as ever."""
    with tcpproxy.Proxy(registry.port, rate=64 << 10) as proxy:
        outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = engine.popen("pull", f"{proxy.host}/team/x:1", stdout=subprocess.PIPE, stderr=inner)
        os.close(inner)
        shown = b""
        with contextlib.suppress(OSError):
            while data := os.read(outer, 4096):
                shown += data
                if b"B/s " in shown:
                    proxy.rate = None  # all is seen that is to be seen before the end
        assert process.wait(60) == 0
        os.close(outer)
    assert b"Status: Downloaded newer image" in process.stdout.read()
    assert b"\x1b[1A" in shown and b"Downloading [" in shown and b"B/s " in shown
    assert shown.count(b"\n") == 3  # one to begin with, and one a layer


def test_what_is_not_there(engine, registry):
    done = engine.cleat("pull", f"{registry.host}/team/x:2", check=False)
    assert done.returncode == 1
    assert f"manifest for {registry.host}/team/x:2 not found: manifest unknown" in done.stderr
    with harness.reserved_port() as nobody:
        done = engine.cleat("pull", f"127.0.0.1:{nobody.getsockname()[1]}/x", check=False)
    assert done.returncode == 1 and "Failed to connect" in done.stderr
    assert_clean(engine)
