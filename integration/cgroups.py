# SPDX-License-Identifier: Apache-2.0
"""A container's control group as the kernel shows it, with the names of cgroup v1 whichever version there is."""
import os
import pathlib

import harness

ROOT = pathlib.Path("/sys/fs/cgroup")
V2 = (ROOT / "cgroup.controllers").exists()
UNLIMITED = "max"

# hierarchy and file of v1, file of v2
FILES = {
    "memory": ("memory/memory.limit_in_bytes", "memory.max"),
    "swap": ("memory/memory.memsw.limit_in_bytes", "memory.swap.max"),
    "reservation": ("memory/memory.soft_limit_in_bytes", "memory.low"),
    "pids": ("pids/pids.max", "pids.max"),
    "shares": ("cpu/cpu.shares", "cpu.weight"),
    "quota": ("cpu/cpu.cfs_quota_us", "cpu.max"),
    "period": ("cpu/cpu.cfs_period_us", "cpu.max"),
    "cpus": ("cpuset/cpuset.cpus", "cpuset.cpus"),
    "mems": ("cpuset/cpuset.mems", "cpuset.mems"),
}


def folder(engine, container, hierarchy=""):
    """Of a container below a hierarchy; v2 has but one."""
    name = f"cleat-{harness.fnv1a(os.path.realpath(engine.run)):08x}"
    ident = engine.out("inspect", "--format", "{{.Id}}", container)
    return ROOT / hierarchy / name / ident


def read(engine, container, limit):
    """The limit in v1's meaning, an int, "max" or a list of CPUs; of swap that together with memory."""
    hierarchy, _, name = FILES[limit][0].partition("/")
    text = folder(engine, container, "" if V2 else hierarchy).joinpath(FILES[limit][1] if V2 else name).read_text()
    if V2 and limit in ("quota", "period"):
        text = text.split()[limit == "period"]
    text = text.strip()
    if limit in ("cpus", "mems"):
        return text
    if text in ("max", "-1") or int(text) > 1 << 60:
        return UNLIMITED
    if V2 and limit == "swap":
        return int(text) + read(engine, container, "memory")
    return int(text)
