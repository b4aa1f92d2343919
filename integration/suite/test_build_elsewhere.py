# SPDX-License-Identifier: Apache-2.0
"""Images built here, in the hands of other tools: skopeo carries them, podman runs them."""
import json
import shutil
import subprocess
import tempfile

import pytest
import registries
from buildkit import build, config, files

pytestmark = pytest.mark.layer_drivers

DOCKERFILE = """
    FROM busybox AS tools
    RUN echo '#!/bin/sh' > /hello; echo 'echo "$GREETING $* from $(id -u) in $PWD"' >> /hello
    FROM busybox
    ENV GREETING=hello
    LABEL made=here
    RUN mkdir -p /srv/data /srv/gone && echo one > /srv/data/one && touch /srv/gone/a /srv/b
    RUN rm -r /srv/gone /srv/b && ln -s data/one /srv/link && ln /srv/data/one /srv/hard
    COPY --from=tools --chmod=755 /hello /usr/bin/hello
    COPY --chown=1234:1235 given /srv/given
    WORKDIR /srv
    USER 1234
    VOLUME /srv/data
    EXPOSE 80
    ENTRYPOINT ["/usr/bin/hello"]
    CMD ["world"]
"""
# podman takes the cgroups of version 1 where there are both, and then stumbles over the other
INSIDE = ("for m in $(awk '$9 == \"cgroup2\" || $(NF-2) == \"cgroup2\" {print $5}' /proc/self/mountinfo); do umount \"$m\"; done; "
          "exec \"$@\"")


@pytest.fixture(name="built")
def fixture_built(busybox, tmp_path):
    files(tmp_path, {"given": "given\n"})
    build(busybox, tmp_path, DOCKERFILE)
    return busybox


@pytest.fixture(name="registry", scope="module")
def fixture_registry():
    with registries.Registry() as registry:
        yield registry


@pytest.fixture(name="podman")
def fixture_podman():
    """podman(*arguments) with a store of its own, in namespaces of its own: nothing of it outlives the command."""
    if not shutil.which("podman"):
        pytest.skip("podman is not on this machine: integration/deps --bench installs it")
    root = tempfile.mkdtemp(prefix="cleat-podman-")  # it wants short paths
    store = ["--root", f"{root}/store", "--runroot", f"{root}/run", "--tmpdir", f"{root}/tmp", "--storage-driver", "vfs",
             "--cgroup-manager", "cgroupfs", "--events-backend", "none"]

    def podman(*arguments, **kw):
        done = subprocess.run(["unshare", "-mpf", "--mount-proc", "--", "sh", "-c", INSIDE, "sh", "podman", *map(str, store + list(arguments))],
                              capture_output=True, timeout=120, check=False, text=True, **kw)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield podman
    shutil.rmtree(root)


def push(engine, registry):
    """Pushes it under a name of its own; the name behind the registry's."""
    name = "built" + "".join(filter(str.isalnum, engine.root.name.lower()))
    engine.out("tag", "built", f"{registry.host}/{name}:1")
    engine.out("push", "-q", f"{registry.host}/{name}:1")
    return name


@pytest.mark.parametrize("way", ["save", "push"])
def test_runs_under_podman(built, podman, registry, tmp_path, way):
    if way == "save":
        built.out("save", "-o", tmp_path / "built.tar", "built")
        podman("load", "-q", "-i", tmp_path / "built.tar")
        name = "docker.io/library/built"
    else:
        name = f"{registry.host}/{push(built, registry)}:1"
        podman("pull", "-q", "--tls-verify=false", name)
    flags = ("run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--pull", "never")
    assert podman(*flags, name) == "hello world from 1234 in /srv\n"
    assert podman(*flags, name, "you", "all") == "hello you all from 1234 in /srv\n"
    look = "cd /srv; stat -c '%n %F %u %g %a %h' *; cat link given hard; mount | grep -c ' on /srv/data '"
    assert podman(*flags, "--entrypoint", "/bin/sh", name, "-c", look) == (
        "data directory 0 0 755 2\n"
        "given regular file 1234 1235 644 1\n"
        "hard regular file 0 0 644 2\n"
        "link symbolic link 0 0 777 1\n"
        "one\ngiven\none\n1\n")
    theirs = json.loads(podman("image", "inspect", name))[0]
    assert theirs["Id"] == json.loads(built.out("image", "inspect", "built"))[0]["Id"].removeprefix("sha256:")
    assert theirs["Config"]["ExposedPorts"] == {"80/tcp": {}} and theirs["Labels"] == {"made": "here"}


def test_podmans_image_is_the_same_here_again(built, podman, tmp_path):
    before = json.loads(built.out("image", "inspect", "built"))[0]
    built.out("save", "-o", tmp_path / "built.tar", "built")
    podman("load", "-q", "-i", tmp_path / "built.tar")
    podman("save", "-q", "--format", "docker-archive", "-o", tmp_path / "back.tar", "docker.io/library/built")
    built.out("rmi", "-f", "built")
    built.out("load", "-i", tmp_path / "back.tar")
    after = json.loads(built.out("image", "inspect", "docker.io/library/built"))[0]
    assert after["Id"] == before["Id"] and after["RootFS"] == before["RootFS"]


def carry(source, target):
    registries.skopeo("copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", source, target)


@pytest.mark.parametrize("layout", ["oci", "dir"])
def test_digest_stays_through_skopeo(built, registry, tmp_path, layout):
    """As skopeo makes it: an OCI layout holds a manifest of OCI's, a directory whatever it is given."""
    name = push(built, registry)
    place = f"{layout}:{tmp_path}/out" + (":x" if layout == "oci" else "")
    carry(f"docker://{registry.host}/{name}:1", place)
    carry(place, f"docker://{registry.host}/{name}:2")
    there = registry.manifest(name, "2")
    assert (there == registry.manifest(name, "1")) == (layout == "dir")
    before = config(built)
    built.out("rmi", "-f", "built")
    built.out("pull", "-q", f"{registry.host}/{name}:2")
    assert config(built, f"{registry.host}/{name}:2") == before
    assert built.out("run", "--rm", "--network", "none", f"{registry.host}/{name}:2") == "hello world from 1234 in /srv"
    built.out("tag", f"{registry.host}/{name}:2", f"{registry.host}/{name}:3")
    built.out("push", "-q", f"{registry.host}/{name}:3")
    assert registry.manifest(name, "3") == there
