# SPDX-License-Identifier: Apache-2.0
"""Makes real images out of files of this machine: docker-save and OCI archives with Debian's static
busybox in them, or with any files given. Also the place that makes broken ones, for tests of refusal.

As a program: image.py NAME[:TAG] FILE writes a docker-save archive of busybox.
"""
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile

BUSYBOX = "/bin/busybox"
APPLETS = ("sh ash true false echo cat ls id ps sleep env printf head tail seq dd wc sort kill mkdir touch rm ln "
           "chmod chown stat test yes hostname mount umount date tr cut grep sed awk find tar md5sum sha256sum "
           "nc ip ping wget httpd top uname whoami pwd expr basename dirname readlink timeout stty tty "
           "mknod mktemp cp mv df du free nproc sync xargs tee usleep trap who setsid su adduser").split()


class Layer:
    """One layer: entries added in order, then its bytes and digests."""

    def __init__(self):
        self.raw = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.raw, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, data=b"", kind=tarfile.REGTYPE, mode=0o644, uid=0, gid=0, link="", mtime=1700000000,
            pax=None, major=0, minor=0):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.uid, info.gid = kind, mode, uid, gid
        info.linkname, info.mtime, info.size = link, mtime, len(data)
        info.devmajor, info.devminor = major, minor
        info.pax_headers = pax or {}
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def dir(self, name, mode=0o755, **kw):
        return self.add(name, kind=tarfile.DIRTYPE, mode=mode, **kw)

    def symlink(self, name, target):
        return self.add(name, kind=tarfile.SYMTYPE, mode=0o777, link=target)

    def bytes(self):
        self.tar.close()
        return self.raw.getvalue()


def busybox_layer():
    layer = Layer()
    for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700), ("var", 0o755),
                       ("home", 0o755), ("proc", 0o755), ("sys", 0o755), ("dev", 0o755)):
        layer.dir(name, mode)
    with open(BUSYBOX, "rb") as f:
        layer.add("bin/busybox", f.read(), mode=0o755)
    for applet in APPLETS:
        layer.symlink(f"bin/{applet}", "busybox")
    layer.add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home:/bin/sh\n")
    layer.add("etc/group", b"root:x:0:\nweb:x:1000:\nextra:x:2000:web\n")
    return layer.bytes()


def program_layer(programs, files):
    """Programs of this machine with the libraries they are linked with, and files by path."""
    layer, paths = Layer(), set()
    for program in programs:
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        paths |= {program, *re.findall(r"(/\S+) \(0x", told)}
    for path in sorted(paths):
        with open(path, "rb") as f:
            layer.add(path.lstrip("/"), f.read(), mode=0o755)
    for name, text in files.items():
        layer.add(name, text.encode())
    return layer.bytes()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def config(layers, **settings):
    """An image config; settings are Docker's: Cmd, Entrypoint, Env, User, WorkingDir, Labels, …"""
    return json.dumps({
        "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                   "Cmd": ["sh"], **settings},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(data) for data in layers]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": f"layer {i}"}
                    for i in range(len(layers))],
    }).encode()


def _tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def docker_archive(tags, layers=None, image_config=None, **settings):
    """A `docker save` archive (manifest.json at its root)."""
    layers = layers if layers is not None else [busybox_layer()]
    conf = image_config or config(layers, **settings)
    files = [(f"{sha256(conf)}.json", conf)]
    files += [(f"{sha256(data)}/layer.tar", data) for data in layers]
    files.append(("manifest.json", json.dumps([{
        "Config": f"{sha256(conf)}.json", "RepoTags": tags,
        "Layers": [f"{sha256(data)}/layer.tar" for data in layers]}]).encode()))
    return _tar(files)


def oci_archive(tag, layers=None, compress=True, **settings):
    """An OCI image layout in a tar."""
    layers = layers if layers is not None else [busybox_layer()]
    conf = config(layers, **settings)
    blobs, descriptors = [(conf, "application/vnd.oci.image.config.v1+json")], []
    for data in layers:
        packed = gzip.compress(data, 1, mtime=0) if compress else data
        kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if compress else "")
        blobs.append((packed, kind))
    for data, kind in blobs:
        descriptors.append({"mediaType": kind, "digest": "sha256:" + sha256(data), "size": len(data)})
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": descriptors[0], "layers": descriptors[1:]}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + sha256(manifest),
        "size": len(manifest), "annotations": {"org.opencontainers.image.ref.name": tag}}]}).encode()
    files = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index)]
    files += [(f"blobs/sha256/{sha256(data)}", data) for data, _ in blobs + [(manifest, "")]]
    return _tar(files)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: image.py NAME[:TAG] FILE")
    with open(sys.argv[2], "wb") as archive:
        archive.write(docker_archive([sys.argv[1] if ":" in sys.argv[1] else sys.argv[1] + ":latest"]))
