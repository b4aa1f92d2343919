# SPDX-License-Identifier: Apache-2.0
"""The demonstration of containers without their engine, in short."""
import subprocess

import harness


def test_in_short():
    done = subprocess.run([harness.TOP / "integration" / "chaos" / "absent-engine", "--containers", "9", "--seconds", "3"],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing failed, and the engine's record is complete" in done.stdout
