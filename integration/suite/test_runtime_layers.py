# SPDX-License-Identifier: Apache-2.0
"""cleat-oci with mounts of layers that somebody wrote by hand: what is seen, that nobody writes there, what is refused."""
import json

import pytest

import test_runtime
from test_runtime_userns import mapped, rt  # noqa: F401  pylint: disable=unused-import

pytestmark = [*[test_runtime.pytestmark], pytest.mark.parametrize("user", [False, True], ids=["host", "userns"])]


@pytest.fixture(name="layers")
def make_layers(rt):  # noqa: F811
    """Two directories with a file each, and one in a directory that both have."""
    found = [rt.tmp / "first", rt.tmp / "second"]
    for layer in found:
        (layer / "dir").mkdir(parents=True)
        (layer / layer.name).write_text("")
        (layer / "dir" / layer.name).write_text("")
    (found[0] / "absolute").symlink_to("/dir")
    (found[0] / "above").symlink_to("../../../dir")
    (found[0] / "host").symlink_to("/etc")
    return found


def mount(rt, user, script, source, *options):  # noqa: F811
    bundle = rt.bundle("sh", "-c", script, **(mapped(rt) if user else {}))
    config = json.loads((bundle / "config.json").read_text())
    config["mounts"].append({"destination": "/m", "type": "dev.cleat.layers", "source": source, "options": options})
    (bundle / "config.json").write_text(json.dumps(config))
    return rt.oci("run", "--bundle", bundle, "c")


@pytest.mark.parametrize("options, expected", [
    ([], "above absolute dir first host second"), (["x-cleat.subpath=dir"], "first second"),
    (["x-cleat.subpath=/dir"], "first second"), (["x-cleat.subpath=absolute"], "first second"),
    (["nosuid", "x-cleat.subpath=above"], "first second"), (["x-cleat.subpath=../../dir"], "first second")])
def test_what_is_seen(rt, layers, user, options, expected):  # noqa: F811
    done = mount(rt, user, "ls /m", f"\n{layers[0]}\n\n{layers[1]}\n", *options)
    assert " ".join(done.stdout.split()) == expected, done.stderr


@pytest.mark.parametrize("option", ["rw", "rrw", "nosuid"])
def test_nobody_writes_there(rt, layers, user, option):  # noqa: F811
    done = mount(rt, user, "echo >/m/dir/new", f"{layers[0]}\n{layers[1]}", option)
    assert done.returncode != 0 and "Read-only file system" in done.stderr, done.stderr
    assert not (layers[0] / "dir/new").exists()


@pytest.mark.parametrize("source, options, words", [
    ("", [], "needs two layers at least"), ("\n\n", [], "needs two layers at least"), ("{0}\n{1}", ["bind"], 'takes no option "bind"'),
    ("{0}", [], "needs two layers at least"), ("fd:-1\n{0}", [], "is no descriptor"), ("{0}\nfd:", [], "is no descriptor"),
    ("fd:99999\n{0}", [], "fd:99999"), ("{0}\n/nowhere", [], "/nowhere"),
    ("{0}\n{0}/first", [], "layer"), ("{0}\n{0}", [], "make the overlay"),
    ("{0}\n{1}", ["x-cleat.subpath=host"], "open host"), ("{0}\n{1}", ["x-cleat.subpath=nothing"], "open nothing"),
    ("{0}\n{1}", ["x-cleat.subpath=first/x"], "Not a directory"), ("{0}\n{1}", ["idmap"], "only a bind mount"),
    ("{0}\n{1}", ["what", "x-cleat.subpath=dir"], 'takes no option "what,x-cleat.subpath=dir"')])
def test_what_is_refused(rt, layers, user, source, options, words):  # noqa: F811
    done = mount(rt, user, "true", source.format(*layers), *options)
    assert done.returncode == 125 and words in done.stderr, done.stderr
    assert "takes" in words or "needs" in words or "only" in words or "/m" in done.stderr, done.stderr
