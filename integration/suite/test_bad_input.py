# SPDX-License-Identifier: Apache-2.0
"""Wrong input gets one clear line and changes nothing."""
import subprocess

import pytest

import harness

BAD = [
    (["frobnicate"], "frobnicate"),
    (["run"], "requires"),
    (["ps", "--nope"], "unknown flag: --nope"),
    (["inspect", "nobody"], "nobody"),
    (["start", "nobody"], "o such container: nobody"),
    (["logs", "nobody"], "o such container: nobody"),
    (["rm", "nobody"], "o such container: nobody"),
    (["create", "--pull", "never", "no-such-image"], "no-such-image"),
    (["create", "busybox:" + "t" * 300], "invalid reference"),
    (["create", "--name", "x" * 65536, "busybox"], "name"),
    (["create", "--name", "a/b", "busybox"], "a/b"),
    (["create", "--restart", "sometimes", "busybox"], "sometimes"),
    (["create", "--stop-signal", "SIGNOPE", "busybox"], "SIGNOPE"),
    (["create", "-u", "nobody-here", "busybox"], None),
    (["create", "-v", "relative:/x", "busybox"], None),
    (["create", "-v", "/tmp:relative", "busybox"], "relative"),
    (["create", "--log-opt", "max-size=huge", "busybox"], "huge"),
    (["create", "--log-driver", "carrier-pigeon", "busybox"], "carrier-pigeon"),
    (["create", "-w", "relative", "busybox"], "relative"),
    (["create", "-m", "1", "busybox"], None),
    (["rename", "one", "two/three"], "two/three"),
    (["kill", "-s", "NOPE", "one"], "NOPE"),
    (["stop", "-t", "soon", "one"], "soon"),
    (["logs", "--since", "whenever", "one"], "whenever"),
    (["logs", "--tail", "many", "one"], "many"),
    (["ps", "--format", "{{.Nope"], None),
    (["ps", "--filter", "health=ill"], "health=ill"),
    (["ps", "--filter", "status=paused restarting"], "status=paused restarting"),
    (["tag", "busybox", "UPPER"], "UPPER"),
    (["rmi", "nothing"], "o such image"),
    (["run", "-a", "stdout", "-d", "busybox"], "cannot specify both --attach and --detach"),
    (["create", "--log-opt", "foo=bar", "busybox"], "unknown log opt 'foo'"),
    (["create", "--log-opt", "tag=x", "busybox"], "unknown log opt 'tag'"),
    (["create", "--ulimit", "foo=1", "busybox"], "invalid ulimit type: foo"),
    (["tag", "busybox", "sha256:" + "1" * 64], "refusing to create an ambiguous tag"),
    (["inspect", "-f", "{{.Foo}}", "one"], "can't evaluate field Foo"),
]


def things(engine):
    return (engine.out("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.State}} {{.Command}}"),
            engine.out("images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"))


@pytest.mark.parametrize("arguments,text", BAD, ids=[" ".join(a)[:40] for a, _ in BAD])
def test_one_clear_error(module_engine, arguments, text):
    engine = module_engine
    before = things(engine)
    done = engine.cleat(*arguments, check=False)
    if text is None and done.returncode == 0:
        engine.cleat("rm", "-f", done.stdout.strip())
        return
    assert done.returncode in (1, 125), done
    first = done.stderr.splitlines()[0]
    assert first.startswith("cleat: "), done.stderr
    assert len(done.stderr) < 1000
    if text:
        assert text in done.stderr
    assert things(engine) == before


def test_forced_removal_of_what_is_not_there(module_engine):
    """Docker's: said, and no failure."""
    done = module_engine.cleat("rm", "-f", "nothing")
    assert (done.stdout, done.stderr) == ("", "cleat: No such container: nothing\n")


def test_exit_codes_of_an_exec_that_cannot_be(module_engine):
    module_engine.out("run", "-d", "--name", "live", "busybox", "sleep", "1000")
    for arguments, code in ((["-w", "/nosuch", "live", "true"], 127), (["-w", "/etc/passwd", "live", "true"], 127),
                            (["-u", "nobody-here", "live", "true"], 126), (["absent", "true"], 1)):
        done = module_engine.cleat("exec", *arguments, check=False)
        assert done.returncode == code and done.stderr.startswith("cleat: ") and done.stderr.count("\n") == 1, done
    module_engine.out("rm", "-f", "live")


def test_ambiguous_prefix(module_engine):
    engine = module_engine
    ids = [engine.out("create", "busybox") for _ in range(20)]
    firsts = [i[0] for i in ids]
    double = next(f for f in firsts if firsts.count(f) > 1)
    done = engine.cleat("start", double, check=False)
    assert done.returncode == 1 and double in done.stderr
    assert "multiple" in done.stderr.lower() or "ambiguous" in done.stderr.lower()
    engine.cleat("rm", *ids)


@pytest.mark.parametrize("name", ["cleat", "cleatd", "cleat-gateway", "cleat-tls", "cleat-oci"])
def test_programs_tell_about_themselves(name):
    program = harness.BIN / name
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.lower().startswith("usage:") and not done.stderr
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith(f"{name} ") and not done.stderr
    if name != "cleat":
        done = subprocess.run([program, "--nothing"], capture_output=True, text=True, check=False)
        assert done.returncode and done.stderr and not done.stdout
