# SPDX-License-Identifier: Apache-2.0
"""Small disks that can be filled to the last byte."""
import contextlib
import errno
import os
import subprocess

import harness

MIB = 1 << 20
BLOCK = 4096


def unmount(path):
    """Who was killed has no command line any more a moment before the kernel has closed his files."""
    def is_unmounted():
        done = subprocess.run(["umount", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "busy" in done.stderr, done.stderr
        return done.returncode == 0

    harness.wait_until(is_unmounted, what=f"the end of who uses {path}")


class Disk:
    """A file system of its own, with nothing in it but a file that takes the room nobody is to have; a context
    manager that leaves nothing behind."""

    def __init__(self, folder, kind, mebibytes, quotas=False):
        """`quotas`: those of projects, of ext4; CalledProcessError where the kernel has none."""
        self.path, self.image = folder / "disk", folder / "image"
        self.path.mkdir()
        if kind == "tmpfs":
            mount = ["-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs"]
        else:
            with open(self.image, "wb") as file:
                file.truncate(mebibytes * MIB)
            features = ["-O", "quota,project", "-E", "quotatype=prjquota"] if quotas else []
            subprocess.run(["mkfs." + kind, "-q", "-m", "0", *features, self.image], check=True)
            mount = ["-o", "loop,prjquota" if quotas else "loop", self.image]
        subprocess.run(["mount", *mount, self.path], check=True)
        self.ballast = os.open(self.path / "ballast", os.O_RDWR | os.O_CREAT, 0o600)
        self.size = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.ballast)
        unmount(self.path)
        with contextlib.suppress(FileNotFoundError):
            self.image.unlink()

    def leave(self, room):
        """Nobody else finds more than `room` bytes, and less only where the file system itself takes them."""
        step = 4 * MIB
        os.sync()  # what was freed is free
        while step >= BLOCK:
            try:
                os.posix_fallocate(self.ballast, self.size, step)
                self.size += step
            except OSError as e:
                assert e.errno == errno.ENOSPC
                step //= 2
        self.size = max(self.size - room, 0)
        os.ftruncate(self.ballast, self.size)
        os.fsync(self.ballast)
