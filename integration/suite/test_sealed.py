# SPDX-License-Identifier: Apache-2.0
"""The mount that the runtime is run from: one of the engine's for all shims, for as long as it is what is installed."""
import os
import shutil

import harness


def mounts_of_the_runtime(shim):
    """Ids of the mounts of cleat-oci that a shim has descriptors of."""
    wanted = os.stat(harness.BIN / "cleat-oci")
    return {harness.mount_of(fd) for fd in harness.opened(shim) if os.path.samestat(os.fstat(fd), wanted)}


def test_all_shims_have_the_same_mount_of_the_runtime(busybox):
    for _ in range(2):
        busybox.out("run", "-d", "busybox", "sleep", "1000")
    mounts = [mounts_of_the_runtime(shim) for shim in busybox.shims()]
    assert len(mounts) == 2 and len(mounts[0]) == 1 and mounts[0] == mounts[1]


def test_a_runtime_that_is_replaced_is_what_runs_from_then_on(tmp_path, monkeypatch):
    installed = tmp_path / "bin"
    shutil.copytree(harness.BIN, installed)
    monkeypatch.setattr(harness, "BIN", installed)
    with harness.Engine() as engine:
        engine.load_busybox()
        engine.out("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        assert engine.out("exec", "one", "echo", "first") == "first"
        os.rename(installed / "cleat-oci", installed / "before")
        shutil.copy(shutil.which("true"), installed / "cleat-oci")
        assert "ended without a word" in engine.cleat("exec", "one", "true", check=False).stderr
        os.rename(installed / "before", installed / "cleat-oci")
        assert engine.out("exec", "one", "echo", "again") == "again"
