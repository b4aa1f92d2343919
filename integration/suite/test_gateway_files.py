# SPDX-License-Identifier: Apache-2.0
"""Files of containers through Docker's API, with Docker's own client and docker-py."""
import base64
import concurrent.futures
import io
import json
import tarfile

import docker
import pytest

import gateway as gateways


@pytest.fixture(scope="module")
def client(gateway):
    c = docker.DockerClient(base_url=f"unix://{gateway.path}", version="auto")
    yield c
    c.close()


@pytest.fixture
def box(gateway, request):
    name = "box-" + request.node.name.split("[")[0]
    gateway.engine.out("run", "--name", name, "busybox", "sh", "-c", "echo x > /new; rm /etc/group")
    return name


def test_changes(gateway, client, box):
    expected = [{"Path": "/etc", "Kind": 0}, {"Path": "/etc/group", "Kind": 2}, {"Path": "/new", "Kind": 1}]
    assert gateway.json("GET", f"/v1.40/containers/{box}/changes") == expected
    assert client.containers.get(box).diff() == expected
    assert gateway.docker("diff", box).stdout == "C /etc\nD /etc/group\nA /new\n"
    assert gateway.json("GET", "/containers/absent/changes", status=404)["message"] == "No such container: absent"


def test_nothing_changed_is_null(gateway):
    gateway.engine.out("create", "--name", "untouched", "busybox")
    assert gateway.json("GET", "/containers/untouched/changes") is None
    assert gateway.docker("diff", "untouched").stdout == ""


def test_commit(gateway, client, box):
    made = client.containers.get(box).commit(repository="by/py", tag="1", message="m", author="a",
                                             changes="ENV A=1", conf={"Cmd": ["echo", "hi"], "Labels": {"x": "y"}})
    assert made.tags == ["by/py:1"] and made.attrs["Comment"] == "m" and made.attrs["Author"] == "a"
    assert made.attrs["Config"]["Cmd"] == ["echo", "hi"] and made.labels == {"x": "y"}
    assert gateway.engine.out("run", "--rm", "by/py:1") == "hi"
    done = gateway.docker("commit", "-c", "CMD [\"cat\", \"/new\"]", "-c", "LABEL a=b", "-m", "hello", box, "cli:2")
    assert done.returncode == 0 and done.stdout.startswith("sha256:"), done.stderr
    assert gateway.engine.out("run", "--rm", "cli:2") == "x"
    assert json.loads(gateway.docker("inspect", "cli:2").stdout)[0]["Config"]["Labels"] == {"a": "b"}


def test_bad_commits(gateway, box):
    assert gateway.json("POST", "/commit?container=absent", status=404)["message"] == "No such container: absent"
    assert "RUN" in gateway.json("POST", f"/commit?container={box}&changes=RUN%20x", status=400)["message"]
    assert gateway.json("POST", f"/commit?container={box}&repo=UP", status=400)
    assert gateway.json("POST", f"/commit?container={box}", "[1]", status=400)


# ---- archives

def stat_of(headers):
    return json.loads(base64.b64decode(headers["X-Docker-Container-Path-Stat"]))


def test_stat(gateway, box):
    code, headers, body = gateway.ask("HEAD", f"/v1.40/containers/{box}/archive?path=/etc/passwd")
    assert code == 200 and body == b""
    found = stat_of(headers)
    assert (found["name"], found["mode"], found["linkTarget"]) == ("passwd", 0o644, "") and found["size"] > 20
    _, headers, _ = gateway.ask("HEAD", f"/containers/{box}/archive?path=/bin/sh")
    assert stat_of(headers)["mode"] == 0o777 | 1 << 27 and stat_of(headers)["linkTarget"] == "/bin/busybox"
    _, headers, _ = gateway.ask("HEAD", f"/containers/{box}/archive?path=/tmp")
    assert stat_of(headers)["mode"] == 0o777 | 1 << 31 | 1 << 20
    assert gateway.ask("HEAD", f"/containers/{box}/archive?path=/absent")[0] == 404
    assert gateway.ask("HEAD", f"/containers/{box}/archive")[0] == 400
    assert gateway.ask("HEAD", "/containers/absent/archive?path=/")[0] == 404


def test_get(gateway, client, box):
    stream, found = client.containers.get(box).get_archive("/new")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        assert tar.extractfile("new").read() == b"x\n" and found["name"] == "new" and found["size"] == 2
    assert "Could not find the file" in gateway.json("GET", f"/containers/{box}/archive?path=/x", status=404)["message"]
    assert gateway.json("GET", f"/containers/{box}/archive", status=400)["message"]


def test_put(gateway, client, box):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("put")
        info.size, info.uid, info.gid = 5, 12, 34
        tar.addfile(info, io.BytesIO(b"hello"))
    container = client.containers.get(box)
    assert container.put_archive("/tmp", out.getvalue())
    stream, _ = container.get_archive("/tmp/put")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        member = tar.getmember("put")
        assert (member.uid, member.gid, tar.extractfile(member).read()) == (12, 34, b"hello")
    for path, status in (("/absent", 404), ("/etc/passwd", 400), ("", 400)):
        assert gateway.json("PUT", f"/containers/{box}/archive?path={path}", out.getvalue(), status=status)["message"]
    assert gateway.json("PUT", f"/containers/{box}/archive?path=/tmp", b"no tar", status=400)["message"]


def test_docker_cp(gateway, box, tmp_path):
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/file").write_text("content")
    assert gateway.docker("cp", str(tmp_path / "dir"), f"{box}:/tmp").returncode == 0
    assert gateway.docker("cp", f"{box}:/tmp/dir", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back/file").read_text() == "content"
    assert gateway.docker("cp", "-L", f"{box}:/bin/sh", str(tmp_path / "sh")).returncode == 0
    assert (tmp_path / "sh").stat().st_size > 100000
    done = gateway.docker("cp", f"{box}:/absent", str(tmp_path / "x"))
    assert done.returncode == 1 and "Could not find the file /absent" in done.stderr


def test_what_both_clients_do_is_the_same(gateway, box, tmp_path):
    """Docker's client and cleat's, one copy after the other, with every combination of what is there."""
    source = tmp_path / "s"
    (source / "dir").mkdir(parents=True)
    (source / "dir/in").write_text("in")
    (source / "file").write_text("file")
    (source / "link").symlink_to("file")
    seen = {}
    for name, run in (("docker", gateway.docker), ("cleat", lambda *a: gateway.engine.cleat(*a, check=False))):
        root = tmp_path / name
        (root / "dir").mkdir(parents=True)
        (root / "file").write_text("old")
        codes = []
        run("cp", f"{source}/.", f"{box}:/tmp/{name}")
        for frm in ("file", "dir", "dir/", "dir/.", "link"):
            for to in ("dir", "dir/", "file", "new", "new2/", "no/such"):
                codes.append((frm, to, run("cp", f"{source}/{frm}", f"{box}:/tmp/{name}/{to}-in").returncode,
                              run("cp", f"{source}/{frm}", f"{box}:/tmp/{name}/{to}").returncode,
                              run("cp", f"{box}:/tmp/{name}/{frm}", f"{root}/{to}").returncode))
        run("cp", f"{box}:/tmp/{name}", str(root / "all"))
        seen[name] = codes, sorted((str(p.relative_to(root)), p.is_symlink(), p.is_dir()) for p in root.rglob("*"))
    assert seen["docker"][0] == seen["cleat"][0]
    assert seen["docker"][1] == seen["cleat"][1]


def test_export(gateway, client, box):
    data = b"".join(client.containers.get(box).export())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.extractfile("new").read() == b"x\n"
    assert gateway.json("GET", "/containers/absent/export", status=404)["message"] == "No such container: absent"


def test_clients_that_leave_midway(gateway, box):
    """Its part of the server ends before or after the handler's, which is at work on the rest."""
    def leave(i):
        connection = gateways.Unix(gateway.path)
        connection.request("GET", f"/containers/{box}/archive?path=/{('bin', '')[i % 2]}")
        reply = connection.getresponse()
        assert reply.status == 200 and len(reply.read(1 + i * 977 % 50000)) > 0
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(leave, range(200)))
    assert gateway.process.poll() is None and gateway.ask("GET", "/_ping")[0] == 200
