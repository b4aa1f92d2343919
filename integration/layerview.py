# SPDX-License-Identifier: Apache-2.0
"""Looks into the layers an engine has, whichever driver keeps them: under `erofs` by a mount of the test's own."""
import contextlib
import ctypes
import os
import pathlib
import subprocess
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
MS_RDONLY = 1
PREFIX = "cleat-layer-"  # of the directories where they are mounted


def mount_erofs(layer, where):
    """mount(8) would put a loop device between."""
    if LIBC.mount(os.fsencode(layer / "index"), os.fsencode(where), b"erofs", MS_RDONLY,
                  b"device=" + os.fsencode(layer / "tar")):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(layer))


@contextlib.contextmanager
def opened(engine, diff):
    """The root directory of the layer `diff`."""
    layer = engine.state / "layers" / diff
    if (layer / "fs").is_dir():
        yield layer / "fs"
        return
    with tempfile.TemporaryDirectory(prefix=PREFIX) as where:
        mount_erofs(layer, where)
        try:
            yield pathlib.Path(where)
        finally:
            subprocess.run(["umount", "-l", where], check=True)


def all_opened(engine, stack):
    """The roots of all layers, open until `stack` (an ExitStack) ends."""
    return [stack.enter_context(opened(engine, layer.name)) for layer in (engine.state / "layers").iterdir()]
