# SPDX-License-Identifier: Apache-2.0
"""A large image that looks like one in use: four layers, many small files and few large ones, a third of it
left by gzip. Made once, as an OCI layout in a directory, and kept in build/bench."""
import concurrent.futures
import hashlib
import io
import json
import os
import random
import shutil
import tarfile
import zlib

import image

LAYERS = (0.46, 0.30, 0.18, 0.06)  # of all files and bytes
FILES, BYTES = 60000, 2070 << 20
LARGE, LARGE_SHARE = 40, 0.4       # files of a layer that are large, and what they have of its bytes
NOISE = 0.06                       # of the bytes cannot be compressed
POOL = 48 << 20


def pool(seed):
    """Bytes to cut files out of: blocks of words and blocks of noise."""
    rng = random.Random(seed)
    words = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(300)]
    out = bytearray()
    while len(out) < POOL:
        out += rng.randbytes(4096) if rng.random() < NOISE else b" ".join(rng.choices(words, k=700))
    return bytes(out)


class Sink:
    """Takes a tar, keeps it gzipped, and knows the digests of both."""

    def __init__(self, path):
        self.file, self.size = open(path, "wb"), 0
        self.packed, self.plain = hashlib.sha256(), hashlib.sha256()
        self.gzip = zlib.compressobj(4, zlib.DEFLATED, 31)

    def keep(self, data):
        self.packed.update(data)
        self.size += len(data)
        self.file.write(data)

    def write(self, data):
        self.plain.update(data)
        self.keep(self.gzip.compress(data))
        return len(data)

    def close(self):
        self.keep(self.gzip.flush())
        self.file.close()


def make_layer(path, number, files, size):
    rng, data, sink = random.Random(number), pool(number), Sink(path)
    large = [int(size * LARGE_SHARE / LARGE)] * LARGE
    sizes = large + [int(rng.expovariate(1 / (size * (1 - LARGE_SHARE) / (files - LARGE)))) for _ in range(files - LARGE)]
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
        for i, length in enumerate(sizes):
            if i % 50 == 0:
                folder = tarfile.TarInfo(f"opt/layer{number}/d{i // 50}")
                folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, 1700000000
                tar.addfile(folder)
            entry = tarfile.TarInfo(f"opt/layer{number}/d{i // 50}/f{i}")
            entry.size, entry.mode, entry.mtime = length, 0o644, 1700000000
            at = rng.randrange(len(data) - length)
            tar.addfile(entry, io.BytesIO(data[at:at + length]))
    sink.close()
    return Made(path, sink)


def write_layout(folder, layers, diffs):
    """The documents of an image of these layers, given as descriptors and as diff ids."""
    def blob(data):
        digest = hashlib.sha256(data).hexdigest()
        (folder / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    kind = "application/vnd.oci.image."
    config = json.dumps({"architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
                         "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
                         "rootfs": {"type": "layers", "diff_ids": diffs}})
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
                           "config": {"mediaType": kind + "config.v1+json", **blob(config.encode())},
                           "layers": layers})
    index = {"schemaVersion": 2, "manifests": [{"mediaType": kind + "manifest.v1+json", **blob(manifest.encode()),
                                                "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


class Made:
    """A layer on disk."""

    def __init__(self, path, sink):
        self.path, self.size = path, sink.size
        self.digest, self.diff = sink.packed.hexdigest(), sink.plain.hexdigest()

    def descriptor(self):
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:" + self.digest,
                "size": self.size}


def make_base(path):
    sink = Sink(path)
    sink.write(image.busybox_layer())
    sink.close()
    return Made(path, sink)


def make(folder, scale):
    """An OCI layout in `folder`, which may be there from before. Returns bytes (compressed, unpacked)."""
    done = folder / "done"
    if done.exists():
        return json.loads(done.read_text())
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "blobs/sha256").mkdir(parents=True)
    with concurrent.futures.ProcessPoolExecutor(2) as processes:
        jobs = [processes.submit(make_layer, folder / f"layer{i}", i, int(FILES * scale * part), int(BYTES * scale * part))
                for i, part in enumerate(LAYERS)]
        made = [make_base(folder / "base"), *(job.result() for job in jobs)]
    for layer in made:
        layer.path.rename(folder / "blobs/sha256" / layer.digest)
    write_layout(folder, [layer.descriptor() for layer in made], ["sha256:" + layer.diff for layer in made])
    sizes = [sum(layer.size for layer in made), int(BYTES * scale)]
    done.write_text(json.dumps(sizes))
    return sizes


def derive(layout, folder):
    """Another image of the same layers and a small one of its own, as an OCI layout in `folder`."""
    shutil.copytree(layout, folder, copy_function=os.link)
    blobs = folder / "blobs/sha256"
    index = json.loads((folder / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    diffs = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())["rootfs"]["diff_ids"]
    own = Sink(folder / "own")
    own.write(image.Layer().add("second", b"second\n").bytes())
    own.close()
    layer = Made(folder / "own", own)
    layer.path.rename(blobs / layer.digest)
    (folder / "index.json").unlink()  # a link to the other's
    write_layout(folder, manifest["layers"] + [layer.descriptor()], diffs + ["sha256:" + layer.diff])
    return folder
