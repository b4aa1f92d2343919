# SPDX-License-Identifier: Apache-2.0
"""Images that other tools made, through real registries: what goes out has every byte of what came in, and other
engines take it."""
import json
import os
import shutil
import subprocess
import tempfile

import harness
import image
import pytest
import registries
import tokens

ACCESS = "user:pass:word"


class Shop:
    """A registry with what cleat and the others need to get in."""

    def __init__(self, registry, config=None, flags=(), guarded=False):
        self.registry, self.config, self.guarded = registry, config or {}, guarded
        self.flags = [*flags, *((f"creds={ACCESS}",) if guarded else ())]

    def skopeo(self, side=""):
        """skopeo's flags for the `src` or `dest` side of a copy."""
        return [f"--{side}-{flag}" if side else f"--{flag}" for flag in self.flags]

    def name(self, rest):
        return f"{self.registry.host}/{rest}"

    def fill(self, source, rest, *flags):
        registries.skopeo("copy", "-q", *self.skopeo("dest"), *flags, source, f"docker://{self.name(rest)}")

    def manifest(self, rest):
        return registries.skopeo("inspect", "--raw", *self.skopeo(), f"docker://{self.name(rest)}").encode()

    def blob(self, digest):
        return self.registry.blob_path(digest).read_bytes()

    def login(self, engine):
        if self.guarded:
            user, _, word = ACCESS.partition(":")
            engine.cleat("login", "-u", user, "--password-stdin", self.registry.host, input=word)


def plain(_):
    return registries.Registry(), {}


def guarded(folder):
    user, _, word = ACCESS.partition(":")
    file = folder / "htpasswd"
    file.write_bytes(subprocess.run(["htpasswd", "-Bbn", user, word], capture_output=True, check=True).stdout)
    return registries.Registry(auth={"htpasswd": {"realm": "tests", "path": str(file)}}), {"guarded": True}


def encrypted(folder):
    address = tokens.own_address()
    if not address:
        pytest.skip("this machine has the loopback net alone")
    tokens.make_authority(folder)
    tokens.make_certificate(folder, "server", address)
    registry = registries.Registry(address, "https", {"certificate": str(folder / "server.crt"),
                                                      "key": str(folder / "server.key")})
    certs = folder / "certs.d" / registry.host
    certs.mkdir(parents=True)
    shutil.copy(folder / "ca.crt", certs)
    return registry, {"config": {"registry-certs": str(folder / "certs.d")}, "flags": [f"cert-dir={certs}"]}


@pytest.fixture(scope="module", params=[plain, guarded, encrypted], ids=lambda kind: kind.__name__)
def shop(request, tmp_path_factory):
    registry, settings = request.param(tmp_path_factory.mktemp("shop"))
    settings.setdefault("flags", ["tls-verify=false"])
    with registry:
        yield Shop(registry, **settings)


@pytest.fixture(scope="module")
def customer(shop, tmp_path_factory):
    """An engine that knows the way in."""
    before = os.environ.get("DOCKER_CONFIG")
    folder = tmp_path_factory.mktemp("docker")
    (folder / "config.json").write_text("{}")  # podman wants it to be there
    os.environ["DOCKER_CONFIG"] = str(folder)
    with harness.Engine(config=shop.config) as engine:
        shop.login(engine)
        yield engine
    if before is None:
        del os.environ["DOCKER_CONFIG"]
    else:
        os.environ["DOCKER_CONFIG"] = before


class Tool:
    """podman or buildah with a storage of its own, in a mount namespace without cgroup2: with both versions there they
    take the wrong one. Their paths have to be short. "TMP" among the flags is its folder."""

    def __init__(self, program, *flags):
        self.folder = tempfile.mkdtemp(prefix="cleat-tool-", dir="/tmp")
        self.command = [program, "--root", f"{self.folder}/storage", "--runroot", f"{self.folder}/run",
                        "--storage-driver", "vfs", *(self.folder if flag == "TMP" else flag for flag in flags)]

    def __call__(self, *arguments):
        script = ("for m in $(awk '/ - cgroup2 / {print $5}' /proc/self/mountinfo); do umount \"$m\"; done; "
                  "exec \"$@\"")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *self.command, *map(str, arguments)],
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self("rmi", "-a", "-f")
        shutil.rmtree(self.folder)


# ---- what the tools make

def with_skopeo(shop, folder, rest, *flags):
    layers = [image.busybox_layer(), image.Layer().add("made", b"skopeo\n").bytes()]
    shop.fill(f"docker-archive:{registries.archive_file(folder, layers)}", rest, *flags)


def docker_of_skopeo(shop, folder, rest):
    with_skopeo(shop, folder, rest, "--format", "v2s2")


def oci_of_skopeo(shop, folder, rest):
    with_skopeo(shop, folder, rest, "--format", "oci")


def zstd_of_skopeo(shop, folder, rest):
    with_skopeo(shop, folder, rest, "--format", "oci", "--dest-compress-format", "zstd")


def of_umoci(shop, folder, rest):
    layout, bundle = folder / "layout", folder / "bundle"
    registries.skopeo("copy", "-q", f"docker-archive:{registries.archive_file(folder)}", f"oci:{layout}:base")
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:base", bundle], check=True, capture_output=True)
    (bundle / "rootfs/made").write_text("umoci\n")
    (bundle / "rootfs/etc/group").unlink()
    subprocess.run(["umoci", "repack", "--image", f"{layout}:new", bundle], check=True, capture_output=True)
    subprocess.run(["umoci", "config", "--image", f"{layout}:new", "--config.label", "a=b", "--manifest.annotation",
                    "org.example.note=kept"], check=True, capture_output=True)
    shop.fill(f"oci:{layout}:new", rest)


def of_buildah(shop, folder, rest):
    (folder / "layer.tar").write_bytes(image.busybox_layer())
    (folder / "made").write_text("buildah\n")
    with Tool("buildah") as buildah:
        container = buildah("from", "scratch")
        buildah("add", container, folder / "layer.tar", "/")
        buildah("copy", container, folder / "made", "/made")
        buildah("config", "--cmd", "sh", "--env", "PATH=/bin", "--annotation", "org.example.note=kept", container)
        buildah("commit", "-q", container, "made")
        buildah("push", "-q", *(f"--{flag}" for flag in shop.flags), "made", f"docker://{shop.name(rest)}")
        buildah("rm", "-a")


@pytest.mark.parametrize("make", [docker_of_skopeo, oci_of_skopeo, zstd_of_skopeo, of_umoci, of_buildah],
                         ids=lambda make: make.__name__)
def test_round_trip(shop, customer, tmp_path, make):
    """Pulled, run, pushed under another name: the manifest and all it names are the same bytes."""
    if make is of_buildah and not shutil.which("buildah"):
        pytest.skip("no buildah on this machine")
    source, target = f"from/{make.__name__}:1", f"to/{make.__name__}:1"
    make(shop, tmp_path, source)
    manifest = shop.manifest(source)
    blobs = {d["digest"]: shop.blob(d["digest"]) for d in
             [json.loads(manifest)["config"], *json.loads(manifest)["layers"]]}
    tool = make.__name__.rsplit("_", 1)[1]
    assert customer.out("run", "--rm", shop.name(source), "cat", "/made") == tool
    customer.out("tag", shop.name(source), shop.name(target))
    customer.out("rmi", shop.name(source))
    customer.out("push", "-q", shop.name(target))
    assert shop.manifest(target) == manifest
    out = tmp_path / "out"
    registries.skopeo("copy", "-q", *shop.skopeo("src"), f"docker://{shop.name(target)}", f"dir:{out}")
    assert (out / "manifest.json").read_bytes() == manifest
    assert {d: (out / d.removeprefix("sha256:")).read_bytes() for d in blobs} == blobs
    customer.out("rmi", shop.name(target))


def test_what_was_built_under_podman(shop, customer, tmp_path):
    """An image built here, pushed, is to podman what it is here, and runs."""
    if not shutil.which("podman"):
        pytest.skip("no podman on this machine")
    name = shop.name("built/here:1")
    with_skopeo(shop, tmp_path, "built/base:1")
    (tmp_path / "Dockerfile").write_text(f"FROM {shop.name('built/base:1')}\nRUN echo built > /made; mkdir -m 700 /own\n"
                                         "COPY --chown=1000:1000 Dockerfile /own/\nENV A=b\nCMD [\"cat\", \"/made\"]\n")
    customer.cleat("build", "-t", name, tmp_path)
    customer.out("push", "-q", name)
    digest = "sha256:" + image.sha256(shop.manifest("built/here:1"))
    identity = customer.out("image", "inspect", "-f", "{{.Id}}", name)
    with Tool("podman", "--tmpdir", "TMP", "--events-backend", "none", "--cgroup-manager", "cgroupfs") as podman:
        podman("pull", "-q", *(f"--{flag}" for flag in shop.flags), name)
        assert podman("image", "inspect", "-f", "{{.Digest}} sha256:{{.Id}}", name) == f"{digest} {identity}"
        options = ["run", "--rm", "--network", "none", "--cgroups", "disabled", "--log-driver", "none",
                   "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        assert podman(*options, name) == "built"
        assert podman(*options, name, "stat", "-c", "%u %a", "/own", "/own/Dockerfile") == "0 700\n1000 644"
    customer.out("rmi", name, shop.name("built/base:1"))
