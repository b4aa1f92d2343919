# SPDX-License-Identifier: Apache-2.0
"""The stock Connect client for Node, with code that the stock generator made of our definitions."""
import json
import pathlib
import shutil
import subprocess

import pytest

import npm

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PACKAGES = {"@connectrpc/connect": "2.1.2", "@connectrpc/connect-node": "2.1.2", "@bufbuild/protobuf": "2.17.0",
            "@bufbuild/protoc-gen-es": "2.13.0"}
pytestmark = pytest.mark.skipif(not shutil.which("npm"), reason="no npm on this machine")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    packages, folder = npm.installed(PACKAGES), tmp_path_factory.mktemp("connect")
    protos = sorted(str(p.relative_to(TOP / "api/proto")) for p in (TOP / "api/proto/cleat/v1").glob("*.proto"))
    subprocess.run(["protoc", "-I.", f"--plugin={packages}/node_modules/.bin/protoc-gen-es", f"--es_out={folder}",
                    "--es_opt=target=js,import_extension=js", *protos], cwd=TOP / "api/proto", check=True, timeout=60)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "node_modules").symlink_to(packages / "node_modules")
    return shutil.copy(TOP / "integration/connect_client.mjs", folder)


@pytest.mark.parametrize("form", ["json", "proto"])
def test_stock_client(gateway, program, form):
    done = subprocess.run(["node", program, gateway.path, form], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    for name in ("plain", "small"):
        told = seen[name]
        assert (told["os"], told["exit"], told["listed"]) == ("linux", 0, True)
        assert told["logs"] == "out\n" + "y\n" * 4000
        for missing in (told["missing"], told["missingStream"]):
            assert missing["code"] == "NotFound" and "none" in missing["message"]
            assert missing["details"] == [["google.rpc.ErrorInfo", "CONTAINER_NOT_FOUND"]]
        assert told["deadline"]["code"] == "DeadlineExceeded"
        assert told["aborted"]["code"] == "Canceled"
    assert seen["requests"].count("POST Version") == 1 and seen["requests"].count("GET Version") == 1
    assert seen["requests"].count("POST Create") == 2
