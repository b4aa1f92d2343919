# SPDX-License-Identifier: Apache-2.0
"""Builds upon images that are not here yet, from a real registry; and images built here, pushed to one."""
import subprocess

import harness
import image
import pytest
import registries
from buildkit import build, files, run, steps


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


@pytest.fixture(scope="module")
def open_registry():
    with registries.Registry() as r:
        yield r


def test_cache_from_an_image_built_elsewhere(busybox, open_registry, tmp_path):
    context, name = tmp_path / "context", f"{open_registry.host}/cached:1"
    files(context, {"src/a": "a", "b": "b"})
    text = """
        FROM busybox AS first
        ARG WHO=me
        ENV X=y
        RUN echo $WHO $RANDOM > /random
        FROM first
        WORKDIR /w
        COPY src b ./
        RUN true
        RUN --mount=target=/c cat /c/b > /copied
        ADD b /added
        """
    build(busybox, context, text, tag=name)
    busybox.out("push", name)
    made = run(busybox, "cat", "/random", image=name)
    with harness.Engine() as other:
        other.load_busybox()
        r = build(other, context, text, "--cache-from", name)
        assert f"there is no image {name} here" in r.stderr and not any(s.cached for s in steps(r)[1:])
        other.out("rmi", "built")
        other.out("builder", "prune", "-af")
        other.out("pull", name)
        assert not steps(build(other, context, text, "--target", "first"))[1].cached
        other.out("rmi", "built")
        other.out("builder", "prune", "-af")
        r = build(other, context, text, "--cache-from", "nothing", "--cache-from", name)
        assert [s.cached for s in steps(r) if "FROM" not in s.title] == [True] * 6
        assert run(other, "cat", "/random") == made
        # that was for this build alone
        r = build(other, context, text)
        assert not any(s.cached for s in steps(r))
        files(context, {"src/a": "changed"})
        r = build(other, context, text, "--cache-from", name, "--build-arg", "WHO=me")
        assert [s.cached for s in steps(r) if "FROM" not in s.title][:2] == [True, True]
        assert run(other, "cat", "/w/a") == "changed"
        r = build(other, context, text, "--cache-from", name, "--build-arg", "WHO=you")
        assert not [s for s in steps(r) if "RUN echo" in s.title][0].cached
        r = build(other, context, text, "--cache-from", name, "--no-cache")
        assert not any(s.cached for s in steps(r))


def test_cache_from_takes_what_other_builders_made_for_nothing(busybox, tmp_path):
    """Their images have no keys, and history that is no text of ours is no key."""
    text = "FROM busybox\nRUN echo x > /x\n"
    assert not steps(build(busybox, tmp_path, text, "--cache-from", "busybox"))[1].cached
