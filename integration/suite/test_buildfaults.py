# SPDX-License-Identifier: Apache-2.0
"""Builds that are cancelled, whose engine dies, or whose context is hostile: nothing is left and nothing gets
out."""
import contextlib
import io
import os
import pathlib
import signal
import sqlite3
import subprocess
import tarfile
import time

import harness
import pytest
from buildkit import build, files, run

SLEEPER = "FROM busybox\nRUN echo began > /a\nRUN echo sleeping; sleep 300\n"


def begun(engine, context, text=SLEEPER, **kw):
    """A build whose RUN prints "sleeping" and does not end."""
    (context / "Dockerfile").write_text(text)
    child = engine.popen("build", "-t", "never", str(context), stderr=subprocess.PIPE, text=True, **kw)
    for line in child.stderr:
        if line.endswith(" sleeping\n"):
            return child
    raise AssertionError("the build ended")


def rows(engine, table):
    with contextlib.closing(sqlite3.connect(engine.state / "cleat.db")) as db:
        return db.execute(f"SELECT COUNT(*) FROM {table} WHERE lease <> ''").fetchone()[0]


def clean(engine):
    return not (engine.shims() or os.listdir(engine.state / "containers") or os.listdir(engine.state / "tmp")
                or rows(engine, "images") or rows(engine, "build_cache"))


def nothing_left_but_the_image(engine):
    harness.wait_until(lambda: clean(engine), what="a clean state")


def nothing_left(engine):
    nothing_left_but_the_image(engine)
    assert "never" not in engine.out("images", "-a")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_cancelled(busybox, tmp_path, how):
    child = begun(busybox, tmp_path)
    assert busybox.out("ps", "-aq") == ""
    child.send_signal(how)
    child.wait()
    nothing_left(busybox)
    r = build(busybox, tmp_path, SLEEPER.replace("sleep 300", "true"))
    assert "[2/3] RUN echo began > /a\n#3 CACHED" in r.stderr


def test_an_engine_that_ends_in_the_middle_of_a_copy(busybox, tmp_path):
    """What is half made is no reason to stay: the next start clears it away."""
    for folder in range(20):
        (tmp_path / f"many/{folder}").mkdir(parents=True)
        for number in range(100):
            (tmp_path / f"many/{folder}/{number}").write_text(f"{folder} {number}")
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY many /many\nRUN sleep 300\n")
    child = busybox.popen("build", "-q", "-t", "never", str(tmp_path), stderr=subprocess.DEVNULL)
    harness.wait_until(lambda: list((busybox.state / "tmp").glob("lease-*/upper/many/*/*")), what="a file of the copy")
    child.kill()
    child.wait()
    busybox.kill(signal.SIGTERM)
    busybox.start()
    nothing_left(busybox)


def test_engine_killed(busybox, tmp_path):
    with begun(busybox, tmp_path) as child:
        busybox.kill()
        child.wait()
    busybox.start()
    nothing_left(busybox)
    build(busybox, tmp_path, "FROM busybox\nRUN echo again > /a\n")
    assert run(busybox, "cat", "/a") == "again\n"


ON_DEMAND = "FROM busybox\nRUN echo began > /a\nRUN echo sleeping; sleep 1000 || true\n"


def packers(engine):
    """Both workers of a build, by their jobs: they stay for all its steps."""
    found = {}
    for pid in harness.processes_below("cleat-worker", "stay"):
        with contextlib.suppress(OSError):  # another test's may have ended meanwhile: ENOENT, ESRCH, or EACCES for a link
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if words[1:2] == ["stay"] and os.readlink(f"/proc/{pid}/root").startswith(str(engine.state)):
                found[words[2]] = pid
    return found


def descendants(pid):
    for child in harness.children(pid):
        yield child
        yield from descendants(child)


def sleeper(engine):
    with contextlib.suppress(OSError):
        for pid in (p for shim in engine.shims() for p in descendants(shim)):
            if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep\0"):
                return pid
    return None


def wake(engine):
    """Ends the sleep of the step."""
    os.kill(harness.wait_until(lambda: sleeper(engine), what="the sleep"), signal.SIGTERM)


@pytest.mark.unsanitized(reason="a sanitizer keeps descriptors of its own")
def test_packers_see_nothing_between_their_jobs(busybox, tmp_path):
    with begun(busybox, tmp_path, ON_DEMAND) as child:
        found = packers(busybox)
        assert len(found) == 2 and "pack" in found
        for pid in found.values():
            proc = pathlib.Path("/proc", str(pid))
            status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
            root = os.readlink(proc / "root")
            assert os.listdir(root) == [] and os.readlink(proc / "cwd") == root
            for fd in (proc / "fd").iterdir():
                target = os.readlink(fd)
                assert target.startswith("socket:") or target in (
                    root, "/memfd:cleat-result (deleted)", "/dev/null", str(busybox.log_path)), target
        wake(busybox)
        assert child.wait() == 0
    assert not packers(busybox)
    nothing_left_but_the_image(busybox)


@pytest.mark.parametrize("job", ["pack", "layer"])
def test_packer_killed(busybox, tmp_path, job):
    with begun(busybox, tmp_path, ON_DEMAND) as child:
        os.kill(next(pid for name, pid in packers(busybox).items() if name.startswith(job)), signal.SIGKILL)
        wake(busybox)
        assert child.wait() == 1
        assert child.stderr.read().endswith("cleat: cleat-worker died\n")
    nothing_left(busybox)
    build(busybox, tmp_path, "FROM busybox\nRUN echo again > /a\n")
    assert run(busybox, "cat", "/a") == "again\n"


def test_containers_of_a_build_are_nobodys(busybox, tmp_path):
    before = time.time()
    with begun(busybox, tmp_path, ON_DEMAND) as child:
        harness.wait_until(lambda: len(busybox.shims()) == 1, what="the end of the shim of the step before")
        for flags in ("-a", "-l", "--filter=status=running", "--filter=ancestor=busybox", "--filter=label=cleat.internal"):
            assert busybox.out("ps", "-q", flags) == "", flags
        assert " Containers: 0\n  Running: 0\n" in busybox.out("info")
        assert busybox.out("container", "prune", "-f") == "Total reclaimed space: 0B"
        assert busybox.out("system", "df").splitlines()[2].split()[:3] == ["Containers", "0", "0"]
        wake(busybox)
        assert child.wait() == 0
    nothing_left_but_the_image(busybox)
    events = busybox.out("events", "--since", str(before), "--until", "0s")
    assert {line.split()[2] for line in events.splitlines() if " container " in line} == {"prune"}
    assert " image tag " in events


def test_prune_takes_cache_mounts_that_nobody_uses(busybox, tmp_path):
    def usage():
        return next(line.split()[2:] for line in busybox.out("system", "df").splitlines() if line.startswith("Build Cache"))

    mount = "FROM busybox\nRUN --mount=type=cache,target=/c "
    with begun(busybox, tmp_path, mount + "head -c 50000 /dev/zero > /c/f; echo sleeping; sleep 1000 || true\n") as child:
        assert usage() == ["1", "1", "50kB", "0B"]
        assert busybox.out("builder", "prune", "-af") == "Total reclaimed space: 0B"
        wake(busybox)
        assert child.wait() == 0
    assert usage() == ["2", "0", "50kB", "50kB"]
    assert busybox.out("builder", "prune", "-f", "--filter", "until=1h") == "Total reclaimed space: 0B"
    out = busybox.out("builder", "prune", "-f").splitlines()
    assert out[0] == "Deleted build cache objects:" and len(out) == 5 and out[-1] == "Total reclaimed space: 50kB"
    assert os.listdir(busybox.state / "build") == [] and usage()[0] == "0"
    nothing_left_but_the_image(busybox)
    build(busybox, tmp_path, mount + "ls -A /c > /out\n")
    assert run(busybox, "cat", "/out") == ""


def test_prunes_while_caches_are_taken(busybox, tmp_path):
    """Whatever a build was given, it is there as long as it is used."""
    text = "FROM busybox\nRUN --mount=type=cache,target=/c,sharing=locked echo x > /c/f && cat /c/f\n"
    (tmp_path / "Dockerfile").write_text(text)
    for _ in range(5):
        builds = [busybox.popen("build", "--no-cache", "-q", str(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                  for _ in range(4)]
        while any(b.poll() is None for b in builds):
            busybox.out("builder", "prune", "-f")
        assert [b.communicate()[1] for b in builds] == [b""] * 4
    nothing_left_but_the_image(busybox)


def test_killed_while_the_context_comes(busybox, tmp_path):
    child = busybox.popen("build", "-t", "never", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdin.write(tar_of(("Dockerfile", b"FROM busybox\n"))[:1024])
    child.stdin.flush()
    harness.wait_until(lambda: os.listdir(busybox.state / "tmp"), what="a lease")
    busybox.kill()
    child.stdin.close()
    child.wait()
    child.stderr.close()
    busybox.start()
    nothing_left(busybox)


def test_prune_and_sweep_spare_what_is_under_way(busybox, tmp_path):
    text = f"FROM busybox AS one\nRUN echo {os.urandom(4).hex()} > /kept\nFROM busybox\n" \
        "RUN echo sleeping; sleep 1.5\nCOPY --from=one /kept /\n"
    with begun(busybox, tmp_path, text) as child:
        busybox.out("builder", "prune", "-af")
        busybox.out("image", "prune", "-af")
        child.stderr.read()
        assert child.wait() == 0
    assert len(run(busybox, "cat", "/kept", image="never").strip()) == 8


# ---- hostile contexts

def tar_of(*entries):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data, *more in entries:
            info = tarfile.TarInfo(name)
            info.type = more[0] if more else tarfile.REGTYPE
            if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = data
            elif info.type == tarfile.REGTYPE:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if info.size else None)
    return raw.getvalue()


DOCKERFILE = ("Dockerfile", b"FROM busybox\nCOPY . /c\n")


@pytest.mark.parametrize("entries,message", [
    ([("../out", b"x")], b"leads out of"),
    ([("l", "/", tarfile.SYMTYPE), ("l/tmp/out", b"x")], b"is a link or a file"),
    ([("dev", b"", tarfile.CHRTYPE)], b"a device, which no build context can have"),
    ([("h", "/etc/passwd", tarfile.LNKTYPE)], b"etc/passwd"),
])
def test_hostile_tars(busybox, entries, message):
    r = busybox.cleat("build", "-t", "never", "-", text=False, input=tar_of(DOCKERFILE, *entries), check=False)
    assert r.returncode == 1 and message in r.stderr, r.stderr
    nothing_left(busybox)


def test_not_a_tar_and_half_a_tar(busybox):
    whole = tar_of(DOCKERFILE, ("f", b"x" * 100000))
    r = busybox.cleat("build", "-", text=False, input=whole[:50000], check=False)
    assert r.returncode == 1 and b"build context: " in r.stderr
    r = busybox.cleat("build", "-", text=False, input=b"\x1f\x8b" + b"x" * 5000, check=False)
    assert r.returncode == 1
    nothing_left(busybox)


def test_links_stay_inside(busybox, tmp_path):
    """Links of the context, absolute or upwards, are the context's own, whoever follows them."""
    files(tmp_path, {"etc/hostname": "of the context", "d/f": "x"})
    os.symlink("/etc/hostname", tmp_path / "absolute")
    os.symlink("../../../../etc/hostname", tmp_path / "d/upwards")
    os.symlink("/", tmp_path / "root")
    build(busybox, tmp_path, """
        FROM busybox
        COPY absolute /1
        COPY d/upwards /2
        COPY root/etc/hostname /3
        COPY ../../../etc/hostname /4
        RUN --mount=source=absolute,target=/m cat /m > /5
        RUN --mount=source=/root/etc,target=/m cat /m/hostname > /6
        COPY d /d
        """)
    assert run(busybox, "cat", "/1", "/2", "/3", "/4", "/5", "/6") == "of the context" * 6
    assert run(busybox, "readlink", "/d/upwards") == "../../../../etc/hostname\n"


def test_destinations_stay_inside(busybox, tmp_path):
    files(tmp_path, {"f": "x"})
    victim = tmp_path.parent / f"victim-{tmp_path.name}"
    victim.mkdir()
    build(busybox, tmp_path, f"""
        FROM busybox
        RUN mkdir -p {tmp_path.parent} && ln -s {victim} /l && ln -s ../../../../../.. /up
        COPY f ../../../../outside
        COPY f /up{victim}/f
        WORKDIR /up{victim}/w
        """)
    assert os.listdir(victim) == []
    assert run(busybox, "cat", "/outside", f"{victim}/f") == "xx"


def test_secrets_are_gone(busybox, tmp_path):
    secret = tmp_path.parent / f"key-{tmp_path.name}"
    secret.write_text("very-secret-value")
    files(tmp_path, {"Dockerfile": "FROM busybox\nRUN --mount=type=secret,id=k cat /run/secrets/k | wc -c\n"})
    busybox.out("build", "-t", "built", "--secret", f"id=k,src={secret}", str(tmp_path))
    left = lambda: subprocess.run(["grep", "-rl", "very-secret-value", busybox.state, busybox.run], check=False,
                                  capture_output=True, text=True).stdout
    harness.wait_until(lambda: left() == "", what="nothing of the secret")
