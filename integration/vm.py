# SPDX-License-Identifier: Apache-2.0
"""Debian 12's own kernel with cgroup v2 alone, for suites that would else see only the host's kernel.

QEMU boots it, emulated (KVM is not to be had, or not to be trusted, where tests mostly run), with an
initramfs of busybox and a few modules. The guest's root is the host's over 9p, read-only, with a tmpfs
over it; the one place it can write to on the host is the directory OUT. It ends with the command's exit
status in OUT/status.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
CACHE = TOP / "build" / "vm"
OUT = CACHE / "out"
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_rng", "loop", "crc32c_generic", "ext4",
           "quota_v2")
PROGRAMS = ("qemu-system-x86_64", "busybox")
MEMORY_MB = 3072
CPUS = 2

# pivot_root refuses an initramfs, and a container needs one: hence switch_root.
INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sysfs /sys
$B mount -t devtmpfs dev /dev
for m in $($B cat /modules/order); do $B insmod /modules/$m || echo "insmod $m failed"; done
P=trans=virtio,version=9p2000.L,msize=524288
$B mount -t 9p -o $P,ro,cache=loose host /lower || $B poweroff -f
$B mount -t tmpfs -o size=80% tmpfs /upper
$B mkdir /upper/data /upper/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay /root
for d in proc sys dev; do $B mount --move /$d /root/$d; done
$B mount -t tmpfs tmpfs /root/tmp
$B mount -t tmpfs tmpfs /root/run
$B chmod 1777 /root/tmp
$B mkdir -p /root/dev/pts /root/dev/shm /root/run/out
$B mount -t devpts devpts /root/dev/pts
$B mount -t tmpfs shm /root/dev/shm
$B mount -t securityfs securityfs /root/sys/kernel/security
$B mount -t cgroup2 -o nsdelegate cgroup2 /root/sys/fs/cgroup
$B mount -t 9p -o $P,cache=none out /root/run/out
exec $B switch_root /root /run/out/main
"""

MAIN = """#!/usr/bin/busybox sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
ip link set lo up
hostname vm
uname -r >/run/out/kernel
cd {top}
{command} >/run/out/log 2>&1 </dev/null
echo $? >/run/out/status
busybox poweroff -f
"""


def missing():
    """Programs the host lacks; integration/deps --vm installs them."""
    return [p for p in PROGRAMS if not shutil.which(p)]


def fetch_kernel():
    """Unpacks the package of the current kernel below CACHE; returns (image, directory of modules)."""
    found = sorted(CACHE.glob("kernel/boot/vmlinuz-*"))
    if not found:
        depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True,
                                 check=True).stdout
        package = re.search(r"Depends: (linux-image-\S+)", depends)[1]
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=CACHE) as folder:
            subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
            archive = next(pathlib.Path(folder).glob("*.deb"))
            unpacked = pathlib.Path(folder, "kernel")
            subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
            unpacked.rename(CACHE / "kernel")
        found = sorted(CACHE.glob("kernel/boot/vmlinuz-*"))
    version = found[-1].name.removeprefix("vmlinuz-")
    return found[-1], CACHE / "kernel" / "lib" / "modules" / version


def load_order(modules):
    """MODULES and what they depend on, each after what it needs."""
    files = {path.stem.replace("-", "_"): path for path in modules.rglob("*.ko")}
    order = []

    def add(name):
        path = files.get(name)
        if not path or path in order:
            return
        needs = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for need in filter(None, needs[1].decode().split(",")):
            add(need.replace("-", "_"))
        order.append(path)

    for module in MODULES:
        add(module)
    return order


def cpio(entries):
    """A "newc" archive of (name, mode, bytes)."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def write_initramfs(modules):
    order = load_order(modules)
    entries = [(name, 0o40755, b"") for name in ("bin", "dev", "proc", "sys", "modules", "lower", "upper", "root")]
    entries += [("bin/busybox", 0o100755, pathlib.Path(shutil.which("busybox")).read_bytes()),
                ("init", 0o100755, INIT.encode()),
                ("modules/order", 0o100644, "\n".join(path.name for path in order).encode())]
    entries += [(f"modules/{path.name}", 0o100644, path.read_bytes()) for path in order]
    image = CACHE / "initramfs"
    image.write_bytes(cpio(entries))
    return image


def qemu_command(kernel, initramfs):
    shares = []
    for tag, path, access in (("host", "/", ",readonly=on"), ("out", OUT, "")):
        shares += ["-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap{access}",
                   "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
    return ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi",
            "-cpu", "max", "-smp", str(CPUS), "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config",
            "-display", "none", "-serial", f"file:{OUT}/console", "-no-reboot", *shares, "-device", "virtio-rng-pci",
            "-kernel", str(kernel), "-initrd", str(initramfs),
            "-append", "console=ttyS0 panic=-1 mitigations=off cgroup_no_v1=all"]


def prepare(command):
    """Makes OUT afresh and returns the command that boots the guest to run `command` at the project's top."""
    kernel, modules = fetch_kernel()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    main = OUT / "main"
    main.write_text(MAIN.format(top=shlex.quote(str(TOP)), command=shlex.join(map(str, command))), encoding="utf-8")
    os.chmod(main, 0o755)
    return qemu_command(kernel, write_initramfs(modules))


def status():
    """Exit status of the command in the guest; None when it came to no end."""
    path = OUT / "status"
    text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    return int(text) if text else None


def console():
    path = OUT / "console"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def log():
    path = OUT / "log"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
