# SPDX-License-Identifier: Apache-2.0
"""Programs of Docker's other clients against the gateway."""
import os
import pathlib
import shutil
import sys
import tarfile

import pytest

INTEGRATION = pathlib.Path(__file__).resolve().parent.parent
MODULES = INTEGRATION.parent / "build" / "clients" / "node_modules"


def program(gateway, *command, **env):
    """In the engine's network namespace, where its published ports are. Ends well, and leaves nothing in the engine."""
    done = gateway.ns.run(*command, check=False, env={**os.environ, "DOCKER_HOST": f"unix://{gateway.path}", **env})
    assert done.returncode == 0, done.stdout + done.stderr
    assert gateway.json("GET", "/containers/json?all=1") == []
    assert [i["RepoTags"] for i in gateway.json("GET", "/images/json")] == [["busybox:latest"]]


@pytest.mark.skipif(not MODULES.exists() or not shutil.which("node"), reason="integration/clients has not been run")
def test_dockerode(networked_gateway, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM busybox\nCOPY f /f\nRUN cat /f\n")
    (context / "f").write_text("hi\n")
    with tarfile.open(tmp_path / "context.tar", "w") as tar:
        for name in ("Dockerfile", "f"):
            tar.add(context / name, name)
    program(networked_gateway, "node", INTEGRATION / "dockerode.js", tmp_path / "context.tar", context, NODE_PATH=str(MODULES))


def test_testcontainers(networked_gateway, tmp_path):
    pytest.importorskip("testcontainers")
    program(networked_gateway, sys.executable, INTEGRATION / "testcontainers_program.py", tmp_path)
