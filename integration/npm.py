# SPDX-License-Identifier: Apache-2.0
"""Packages of npm for tests: fetched once for each set of versions, below build/."""
import fcntl
import hashlib
import json
import subprocess

import harness

FOLDER = harness.BIN.parent / "node"


def installed(packages):
    """The folder that has the packages, a dict of names and versions, in its node_modules."""
    manifest = json.dumps({"private": True, "type": "module", "dependencies": packages}, sort_keys=True)
    folder = FOLDER / hashlib.sha256(manifest.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            (folder / "package.json").write_text(manifest, encoding="utf-8")
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"], cwd=folder,
                           check=True, timeout=300)
            (folder / "complete").touch()
    return folder
