# SPDX-License-Identifier: Apache-2.0
"""POST /build as docker-py and Docker's own client use it."""
import io
import json
import os
import shutil
import tarfile

import docker
import pytest


@pytest.fixture(name="client")
def docker_client(gateway):
    client = docker.DockerClient(base_url=f"unix://{gateway.path}")
    yield client
    client.close()


def test_docker_py(client, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG A\nCOPY f /f\nRUN cat /f && echo $A\nCMD [\"cat\", \"/f\"]\n")
    (tmp_path / "f").write_text("from python\n")
    image, log = client.images.build(path=str(tmp_path), tag="py:1", buildargs={"A": "argument"}, labels={"l": "v"})
    text = "".join(entry.get("stream", "") for entry in log)
    assert "Step 1/3 : FROM busybox\n" in text and "from python\nargument\n" in text
    assert "Successfully tagged py:1\n" in text
    assert image.tags == ["py:1"] and image.labels["l"] == "v"
    assert client.containers.run("py:1", remove=True) == b"from python\n"
    _, log = client.images.build(path=str(tmp_path), tag="py:2", buildargs={"A": "argument"})
    assert " ---> Using cache\n" in [entry.get("stream") for entry in log]


def test_output_that_is_no_text(client):
    _, log = client.images.build(fileobj=io.BytesIO(rb"""FROM busybox
RUN printf 'seen caf\351\n'; printf '\303'; sleep 0.2; printf '\251 split\n'
"""))
    text = "".join(entry.get("stream", "") for entry in log)
    assert "seen caf\ufffd\n" in text and " split\n" in text


def test_errors(client, gateway):
    with pytest.raises(docker.errors.BuildError, match="returned a non-zero code: 3"):
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 3\n"))
    status, _, body = gateway.ask("POST", "/build?buildargs=x", b"")
    assert (status, b"buildargs" in body) == (400, True)
    status, _, body = gateway.ask("POST", "/build?version=2", b"")
    assert status == 501


def test_query(gateway):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        text = b"FROM busybox AS one\nLABEL in=one\nFROM busybox\nRUN exit 1\n"
        info = tarfile.TarInfo("sub/Other")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    status, _, body = gateway.ask("POST", "/v1.41/build?t=a&t=b:2&dockerfile=sub/Other&target=one&q=1", raw.getvalue(),
                                  {"Content-Type": "application/x-tar"})
    lines = [json.loads(line) for line in body.splitlines()]
    assert status == 200 and [list(line) for line in lines] == [["aux"], ["stream"]]
    assert lines[1]["stream"].startswith("sha256:")
    assert gateway.engine.out("images", "-q", "a") == gateway.engine.out("images", "-q", "b:2")


@pytest.mark.skipif(not shutil.which("docker"), reason="no docker client on this machine")
def test_docker_client(gateway, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo by docker > /x\n")
    done = gateway.docker("build", "-t", "cli", str(tmp_path), env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin"})
    assert "Successfully built" in done.stdout, done
    assert gateway.docker("run", "--rm", "cli", "cat", "/x").stdout == "by docker\n"


def test_prune(client):
    assert client.api.prune_builds()["SpaceReclaimed"] >= 0


@pytest.mark.parametrize("client", ["cleat", "docker"])
def test_ulimits(gateway, tmp_path, client):
    (tmp_path / "Dockerfile").write_text(f"FROM busybox\nRUN echo {client}; [ $(ulimit -n)-$(ulimit -Hn) = 70-80 ]\n")
    arguments = ["build", "--ulimit", "nofile=70:80", str(tmp_path)]
    if client == "docker":
        done = gateway.docker(*arguments, env={"DOCKER_BUILDKIT": "0", "PATH": os.environ["PATH"]})
    else:
        done = gateway.engine.cleat(*arguments, check=False)
    assert done.returncode == 0, done.stderr


def context(text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


@pytest.mark.parametrize("query,status,told", [
    ("memory=x", 400, "memory"), ("memswap=-2", 400, "memswap"), ("cpushares=1k", 400, "cpushares"),
    ("cpuperiod=-1", 400, "cpuperiod"), ("cpuquota=%20", 400, "cpuquota"), ("shmsize=1g", 400, "shmsize"),
    ("ulimits=x", 400, "ulimits"), ("labels=[]", 400, "labels"), ("buildargs=1", 400, "buildargs"),
    ("cgroupparent=/a", 501, "cgroupparent"), ("squash=1", 501, "squash"), ("version=2", 501, "BuildKit"),
    ("securityopt=%5B%22x%22%5D", 501, "securityopt"), ("networkmode=nowhere", 200, "nowhere"),
])
def test_queries_that_cannot_be_met(gateway, query, status, told):
    """Refused by name instead of building something else."""
    code, _, body = gateway.ask("POST", f"/build?{query}", context("FROM busybox\nRUN true\n"))
    assert code == status and told in body.decode() and b"Successfully" not in body, body


def test_queries_that_ask_for_nothing(gateway):
    query = "memory=0&memswap=0&cpushares=0&cpuperiod=0&cpuquota=0&cpusetcpus=&cpusetmems=&cgroupparent=&shmsize=0&" \
        "ulimits=null&labels=%7B%7D&buildargs=%7B%7D&cachefrom=null&securityopt=null&networkmode=default&rm=1"
    code, _, body = gateway.ask("POST", f"/build?{query}", context("FROM busybox\nRUN true\n"))
    assert code == 200 and b"Successfully built" in body


def test_limits_reach_the_steps(gateway):
    """--cpuset-cpus, --memory and --memory-swap as the command that runs has them."""
    text = "FROM busybox\nRUN grep Cpus_allowed_list /proc/self/status\n"
    _, _, body = gateway.ask("POST", "/build?nocache=1&cpusetcpus=0&memory=67108864&memswap=-1&cpushares=512&cpuquota=50000",
                             context(text))
    assert b"Cpus_allowed_list:\\t0\\n" in body, body
    _, _, body = gateway.ask("POST", "/build?nocache=1&cpusetcpus=77777", context(text))
    assert b"errorDetail" in body and b"Successfully" not in body


@pytest.mark.parametrize("keep,status", [("x", 400), ("-1", 400), ("1.5", 400), ("0", 200), ("", 200)])
def test_keep_storage(gateway, keep, status):
    told = gateway.json("POST", f"/build/prune?keep-storage={keep}", status=status)
    assert ("keep-storage" in told["message"]) if status == 400 else told["SpaceReclaimed"] >= 0
