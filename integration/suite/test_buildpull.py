# SPDX-License-Identifier: Apache-2.0
"""Builds upon images that are not here yet, from a real registry; and images built here, pushed to one."""
import subprocess

import image
import pytest
import registries
from buildkit import build, run, steps


pytestmark = pytest.mark.layer_drivers


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry that knows user:word, with base:1 in it."""
    file = tmp_path_factory.mktemp("auth") / "htpasswd"
    file.write_bytes(subprocess.run(["htpasswd", "-Bbn", "user", "word"], capture_output=True, check=True).stdout)
    with registries.Registry(auth={"htpasswd": {"realm": "tests", "path": str(file)}}) as r:
        push(r, tmp_path_factory, "first")
        yield r


def test_what_was_built_is_saved_and_loaded(busybox, tmp_path):
    build(busybox, tmp_path, "FROM busybox\nRUN echo saved > /x\n")
    before = busybox.out("images", "-q", "--no-trunc", "built")
    data = busybox.cleat("save", "built", text=False).stdout
    busybox.out("rmi", "built")
    busybox.cleat("load", text=False, input=data)
    assert busybox.out("images", "-q", "--no-trunc", "built") == before
    assert run(busybox, "cat", "/x") == "saved\n"


def push(registry, tmp_path_factory, word):
    layers = [image.busybox_layer(), image.Layer().add("which", word.encode()).bytes()]
    archive = registries.archive_file(tmp_path_factory.mktemp("archive"), layers)
    registry.skopeo_push(archive, "base:1", "--dest-creds", "user:word")


def test_bases_are_pulled(engine, registry, tmp_path, tmp_path_factory, monkeypatch):
    push(registry, tmp_path_factory, "first")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    context = tmp_path / "context"
    text = f"""
        FROM {registry.host}/base:1
        RUN cat /which > /built
        FROM scratch
        COPY --from={registry.host}/base:1 /which /copied
        FROM {registry.host}/base:1
        COPY --from=0 /built /
        COPY --from=1 /copied /
        """
    r = build(engine, context, text, check=False)
    assert r.returncode == 1 and "no basic auth credentials" in r.stderr
    engine.cleat("login", "-u", "user", "--password-stdin", registry.host, input="word")
    r = build(engine, context, text)
    assert f"pulled {registry.host}/base:1@sha256:" in r.stderr
    assert run(engine, "cat", "/built", "/copied") == "firstfirst"
    push(registry, tmp_path_factory, "second")
    assert all(s.cached for s in steps(build(engine, context, text)) if "FROM" not in s.title)
    build(engine, context, text, "--pull")
    assert run(engine, "cat", "/built", "/copied") == "secondsecond"
    # what was built goes out and comes back the same
    engine.out("tag", "built", f"{registry.host}/own:1")
    engine.out("push", "-q", f"{registry.host}/own:1")
    before = engine.out("images", "-q", "--no-trunc", "built")
    engine.out("rmi", "-f", "built", f"{registry.host}/own:1")
    engine.out("pull", "-q", f"{registry.host}/own:1")
    assert engine.out("images", "-q", "--no-trunc", f"{registry.host}/own") == before
    assert run(engine, "cat", "/built", image=f"{registry.host}/own:1") == "second"
