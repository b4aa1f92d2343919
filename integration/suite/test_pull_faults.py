# SPDX-License-Identifier: Apache-2.0
"""What may go wrong on the way from a registry: a clear error or a pull that went on where it was cut off, and
nothing half-made left over."""
import os
import signal
import subprocess
import threading
import time

import disks
import harness
import image
import inventory
import pytest
import registries
import tcpproxy

MIB = 1 << 20
BIG = 6


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """big:1 has a layer of BIG MiB that cannot be compressed and one of busybox; alone:1 has but the former."""
    with registries.Registry() as r:
        folder = tmp_path_factory.mktemp("archive")
        r.skopeo_push(registries.archive_file(folder, [registries.big_layer(BIG)]), "alone:1")
        r.skopeo_push(registries.archive_file(folder, [image.busybox_layer(), registries.big_layer(BIG)]), "big:1")
        yield r


def parts(engine):
    folder = engine.state / "tmp/partial"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def assert_nothing_visible(engine):
    assert engine.out("images", "-q") == ""
    assert not any((engine.state / "layers").iterdir())
    blobs = engine.state / "blobs/sha256"
    assert not blobs.is_dir() or not any(blobs.iterdir())
    engine.expect_no_work()
    pid, = engine.engine_pids()
    harness.wait_until(lambda: not harness.children(pid), what=lambda: f"the end of workers: {harness.children(pid)}")


def works(engine, name):
    assert engine.out("run", "--rm", name, "sh", "-c", "ls /big | wc -l") == str(BIG)


def test_cut_connections_are_resumed(engine, registry):
    with tcpproxy.Proxy(registry.port, cut=2 * MIB) as proxy:
        name = f"{proxy.host}/big:1"
        engine.out("pull", "-q", name)
        assert proxy.harmed >= 2
        assert proxy.sent < (BIG + 2) * MIB
        works(engine, name)


@pytest.mark.parametrize("resets", [1, 4])
def test_resets_before_a_registry_has_answered_anything(engine, registry, resets):
    """Whoever takes connections is there: it is asked again."""
    with tcpproxy.Proxy(registry.port, new_resets=1 + resets) as proxy:  # the first asks for TLS
        engine.out("pull", "-q", f"{proxy.host}/big:1")
        assert proxy.new_resets == 0
        works(engine, f"{proxy.host}/big:1")


def test_resets_of_every_request(engine, registry):
    with tcpproxy.Proxy(registry.port, resets=2) as proxy:
        engine.out("pull", "-q", f"{proxy.host}/big:1")
        assert len(proxy.seen) >= 4 and min(proxy.seen.values()) == 3, proxy.seen
        works(engine, f"{proxy.host}/big:1")


def test_resets_without_end(engine, registry):
    with tcpproxy.Proxy(registry.port, resets=1 << 30) as proxy:
        done = engine.cleat("pull", f"{proxy.host}/big:1", check=False)
        assert done.returncode == 1 and "Connection reset by peer" in done.stderr
        assert sum(proxy.seen.values()) <= 8
    assert_nothing_visible(engine)


def test_a_stalled_connection_is_given_up(registry):
    """A registry that lives, on a busy machine, says something before the engine's patience is over."""
    with harness.Engine(config={"registry-timeout": 8}) as impatient:
        with tcpproxy.Proxy(registry.port, stall=2 * MIB, times=1) as proxy:
            name = f"{proxy.host}/big:1"
            impatient.out("pull", "-q", name)
            assert proxy.harmed == 1 and proxy.sent < (BIG + 2) * MIB
            works(impatient, name)


def test_a_registry_that_never_answers(registry):
    with harness.Engine(config={"registry-timeout": 1}) as impatient:
        with tcpproxy.Proxy(registry.port, stall=0) as proxy:
            done = impatient.cleat("pull", f"{proxy.host}/big:1", check=False)
            assert done.returncode == 1 and "no answer in time" in done.stderr
        assert_nothing_visible(impatient)


def test_corrupted_bytes(engine, registry):
    with tcpproxy.Proxy(registry.port, corrupt=3 * MIB, times=1) as proxy:
        name = f"{proxy.host}/big:1"
        done = engine.cleat("pull", name, check=False)
        assert done.returncode == 1 and proxy.harmed == 1
        assert "what the registry sent has the digest sha256:" in done.stderr
        assert_nothing_visible(engine)
        # what was wrong is not kept: the next try is clean
        engine.out("pull", "-q", name)
        works(engine, name)


def begin_slow_pull(engine, name, rate_reached, **kw):
    process = engine.popen("pull", "-q", name, **kw)
    harness.wait_until(lambda: any(size > rate_reached for size in inventory.parts(engine).values()), what="a part of a blob")
    return process


def test_registry_killed_midway_comes_back(engine, tmp_path):
    with registries.Registry() as r, tcpproxy.Proxy(r.port, rate=8 * MIB) as proxy:
        r.skopeo_push(registries.archive_file(tmp_path, [image.busybox_layer(), registries.big_layer(BIG)]), "big:1")
        name = f"{proxy.host}/big:1"
        process = begin_slow_pull(engine, name, MIB)
        r.kill()
        harness.wait_until(lambda: proxy.in_vain, what="a connection to the registry that is gone")
        # however long that takes to come back: the engine's tries have an end
        pid, = engine.engine_pids()
        os.kill(pid, signal.SIGSTOP)
        try:
            r.start()
        finally:
            os.kill(pid, signal.SIGCONT)
        assert process.wait(60) == 0
        works(engine, name)


def test_registry_that_is_gone(engine, tmp_path):
    with registries.Registry() as r, tcpproxy.Proxy(r.port, rate=8 * MIB) as proxy:
        # no other layer, of which it would be open how much has come
        r.skopeo_push(registries.archive_file(tmp_path, [registries.big_layer(BIG)]), "big:1")
        process = begin_slow_pull(engine, f"{proxy.host}/big:1", MIB)
        r.kill()
        assert process.wait(60) == 1
        assert_nothing_visible(engine)
        r.start()
        before = proxy.sent
        proxy.rate = None
        engine.out("pull", "-q", f"{proxy.host}/big:1")
        assert proxy.sent - before < (BIG - 0.5) * MIB


def test_engine_killed_midway(engine, registry):
    with tcpproxy.Proxy(registry.port, rate=8 * MIB) as proxy:
        name = f"{proxy.host}/big:1"
        process = begin_slow_pull(engine, name, 2 * MIB)
        engine.kill()
        process.kill()
        process.wait(60)
        engine.start()
        harness.wait_until(lambda: not [p for p in (engine.state / "tmp").iterdir() if p.name != "partial"],
                           what="the sweep")
        assert_nothing_visible(engine)
        before = proxy.sent
        proxy.rate = None
        engine.out("pull", "-q", name)
        assert proxy.sent - before < (BIG - 1) * MIB
        works(engine, name)
        assert not parts(engine)


def test_interrupted_by_the_user(engine, registry):
    with tcpproxy.Proxy(registry.port, rate=2 * MIB) as proxy:
        process = begin_slow_pull(engine, f"{proxy.host}/big:1", MIB // 2)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        harness.wait_until(lambda: not [p for p in (engine.state / "tmp").iterdir() if p.name != "partial"],
                           what="end of the pull")
        assert_nothing_visible(engine)
        sent = proxy.sent
        time.sleep(0.3)
        assert proxy.sent - sent < MIB // 2


def test_two_pulls_download_once(engine, registry):
    with tcpproxy.Proxy(registry.port, rate=16 * MIB) as proxy:
        name = f"{proxy.host}/big:1"
        pulls = [engine.popen("pull", "-q", name, stdout=-3) for _ in range(3)]
        assert [p.wait(60) for p in pulls] == [0, 0, 0]
        assert proxy.sent < (BIG + 1.9) * MIB
        works(engine, name)
        assert not parts(engine)


def test_worker_killed_midway(engine, registry):
    """Of a layer of which no more comes, so that its worker is there to be killed. The download ends with it."""
    with tcpproxy.Proxy(registry.port, stall=3 * MIB) as proxy:
        name = f"{proxy.host}/alone:1"
        process = begin_slow_pull(engine, name, MIB, stderr=subprocess.PIPE, text=True)
        worker, = harness.wait_until(lambda: [p for p in harness.children(engine.engine_pids()[0])
                                              if harness.exe(p) == "cleat-worker"], what="the worker")
        os.kill(worker, signal.SIGKILL)
        assert "cleat-worker died" in process.communicate(timeout=60)[1]
        assert process.returncode == 1
        assert_nothing_visible(engine)
        proxy.stall, before = None, proxy.sent
        engine.out("pull", "-q", name)
        assert proxy.sent - before < (BIG - 0.5) * MIB


def test_parts_nobody_wants_any_more(engine, registry):
    """What is left of a pull is kept for a day."""
    with tcpproxy.Proxy(registry.port, rate=2 * MIB) as proxy:
        process = begin_slow_pull(engine, f"{proxy.host}/big:1", MIB // 2)
        process.kill()
        process.wait(60)
    harness.wait_until(lambda: not [p for p in (engine.state / "tmp").iterdir() if p.name != "partial"], what="its end")
    wanted = parts(engine)
    old = wanted[0].with_name("1" * 64)
    old.write_bytes(b"old")
    os.utime(old, (time.time() - 90000,) * 2)
    engine.kill(signal.SIGTERM)
    engine.start()
    harness.wait_until(lambda: not old.exists(), what="the sweep")
    assert parts(engine) == wanted


def test_a_part_that_is_damaged(engine, registry):
    """By whoever was asked for the blob before, or a crash of the host: this registry is not blamed for it."""
    with tcpproxy.Proxy(registry.port, rate=2 * MIB) as proxy:
        process = begin_slow_pull(engine, f"{proxy.host}/big:1", MIB // 2)
        process.kill()
        process.wait(60)
    harness.wait_until(lambda: not [p for p in (engine.state / "tmp").iterdir() if p.name != "partial"], what="its end")
    for part in parts(engine):
        with open(part, "r+b") as file:
            file.write(bytes(min(4096, part.stat().st_size)))
    engine.out("pull", "-q", f"{registry.host}/big:1")
    works(engine, f"{registry.host}/big:1")


def test_full_disk(registry, tmp_path):
    """What was there before is good still, and once there is room the pull goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", disk], check=True)
    try:
        (disk / "state").mkdir()
        with harness.Engine() as e:
            e.kill(signal.SIGTERM)
            e.state = disk / "state"
            e.start()
            e.load_busybox()
            name = f"{registry.host}/big:1"
            done = e.cleat("pull", name, check=False)
            assert done.returncode == 1 and "No space left on device" in done.stderr
            assert e.out("images", "--format", "{{.Repository}}") == "busybox"
            e.expect_no_work()
            assert e.out("run", "--rm", "busybox", "echo", "ok") == "ok"
            subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
            e.out("pull", "-q", name)
            works(e, name)
    finally:
        disks.unmount(disk)


def test_pulls_and_removals_at_once(engine, registry, tmp_path):
    """Images that share a layer come and go: whatever a pull says it has brought is whole."""
    for tag in range(3):
        layers = [image.busybox_layer(), registries.big_layer(1, 9), image.Layer().add("own", b"o" * tag).bytes()]
        registry.skopeo_push(registries.archive_file(tmp_path, layers), f"shared:{tag}")
    end, wrong = time.monotonic() + 2.5, []

    def repeat(*arguments, allowed):
        while time.monotonic() < end:
            done = engine.cleat(*arguments, check=False)
            if done.returncode and allowed not in done.stderr:
                wrong.append(done.stderr)

    names = [f"{registry.host}/shared:{tag}" for tag in range(3)]
    threads = [threading.Thread(target=repeat, args=("pull", "-q", n), kwargs={"allowed": "try again"}) for n in names]
    threads += [threading.Thread(target=repeat, args=("rmi", n), kwargs={"allowed": "No such image"}) for n in names]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    for name in names:
        engine.out("pull", "-q", name)
        for path in (engine.state / "blobs/sha256").iterdir():
            assert image.sha256(path.read_bytes()) == path.name
        assert engine.out("run", "--rm", name, "sh", "-c", "wc -c < /big/9-0") == str(MIB)
    engine.out("rmi", *names)
    # their space is freed a moment later
    harness.wait_until(lambda: [p.name for p in (engine.state / "tmp").iterdir()] == ["partial"], what="free space")
    assert_nothing_visible(engine)
