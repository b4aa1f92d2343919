# SPDX-License-Identifier: Apache-2.0
"""docker-py against the gateway."""
import pathlib
import signal
import time

import docker
import pytest

import gateway
import harness
import image


@pytest.fixture(scope="module")
def client(gateway):
    c = docker.DockerClient(base_url=f"unix://{gateway.path}", timeout=60)
    yield c
    c.close()


def test_run_gives_the_output(client):
    assert client.containers.run("busybox", "echo hi", remove=True) == b"hi\n"
    with pytest.raises(docker.errors.ContainerError) as caught:
        client.containers.run("busybox", ["sh", "-c", "echo told >&2; exit 3"], remove=True)
    assert caught.value.exit_status == 3 and caught.value.stderr == b"told\n"
    assert client.containers.list(all=True) == []


def test_volumes_that_are_binds(client, tmp_path):
    (tmp_path / "f").write_text("from the host")
    bound = {str(tmp_path): {"bind": "/y", "mode": "ro"}}
    assert client.containers.run("busybox", "cat /y/f", volumes=bound, remove=True) == b"from the host"


def test_log_file_is_dockers(client):
    c = client.containers.run("busybox", ["sh", "-c", "echo 1; echo 2"], detach=True)
    assert c.wait()["StatusCode"] == 0
    assert '"log":"1\\n","stream":"stdout"' in pathlib.Path(client.containers.get(c.id).attrs["LogPath"]).read_text()
    assert c.logs() == b"1\n2\n" and c.logs(tail=1) == b"2\n" and c.attach(logs=True) == b"1\n2\n"
    assert list(c.logs(stream=True, follow=True)) == [b"1\n", b"2\n"]
    assert c.logs(since=int(time.time()) + 1000) == b""
    c.remove()


def test_log_driver_of_the_administrator_counts(engine):
    """For clients that name none, also for containers made before it was changed."""
    engine.load_busybox()
    for number, name in enumerate(("local", "json-file")):
        engine.kill(signal.SIGTERM)
        engine.configure({"log-driver": name})
        engine.start()
        g = gateway.Gateway(engine)
        try:
            c = docker.DockerClient(base_url=f"unix://{g.path}", timeout=60)
            made = c.containers.run("busybox", "echo hi", detach=True, name=f"c{number}")
            made.wait()
            assert made.attrs["HostConfig"]["LogConfig"]["Type"] == name
            assert [each.logs() for each in c.containers.list(all=True)] == [b"hi\n"] * (number + 1)
            c.close()
        finally:
            g.close()
    engine.out("rm", "c0", "c1")


def test_exec(client):
    c = client.containers.run("busybox", "sleep 1000", detach=True)
    assert c.exec_run(["sh", "-c", "echo o; echo e >&2; exit 2"], demux=True) == (2, (b"o\n", b"e\n"))
    assert c.exec_run("tty", tty=True) == (0, b"/dev/pts/0\r\n")
    code, output = c.exec_run("nothing")
    assert code == 127 and b"executable file not found" in output
    c.pause()
    with pytest.raises(docker.errors.APIError) as caught:
        c.exec_run("true")
    assert caught.value.status_code == 409
    c.unpause()
    c.remove(force=True)


def test_attach_and_detach_keys(client):
    c = client.containers.create("busybox", "cat", stdin_open=True, tty=True)
    sock = c.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    c.start()
    sock._sock.sendall(b"hey\n")
    seen = b""
    while seen.count(b"hey\r\n") < 2:
        seen += sock._sock.recv(100)
    sock._sock.sendall(b"\x10\x11")
    assert sock._sock.recv(100) == b""
    sock.close()
    c.reload()
    assert c.status == "running"
    c.remove(force=True)


def test_what_is_typed_before_the_detach_keys_comes_to_the_container(client):
    c = client.containers.create("busybox", ["sh", "-c", "while read line; do echo $line >>/lines; done"], stdin_open=True, tty=True)
    c.start()
    for i in range(10):
        sock = c.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        sock._sock.sendall(b"%d\n\x10\x11" % i)
        while sock._sock.recv(100):
            pass
        sock.close()
    lines = "".join(f"{i}\n" for i in range(10)).encode()
    harness.wait_until(lambda: c.exec_run("cat /lines").output == lines, what="ten lines")
    c.remove(force=True)


def test_images(client):
    assert client.images.load(image.docker_archive(["given:1"], Labels={"a": "b"}))[0].labels == {"a": "b"}
    assert client.images.get("given:1").tag("given", "2")
    assert {t for i in client.images.list(name="given") for t in i.tags} == {"given:1", "given:2"}
    client.images.remove("given:1")
    client.images.remove("given:2")
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("given:2")
    with pytest.raises(docker.errors.ImageLoadError):
        client.images.load(b"junk" * 1000)


def test_wait_and_conditions(client):
    c = client.containers.create("busybox", ["sh", "-c", "exit 4"])
    c.start()
    assert c.wait(condition="not-running")["StatusCode"] == 4
    with pytest.raises(docker.errors.NotFound):
        client.containers.get("absent")
    with pytest.raises(docker.errors.APIError) as caught:
        c.kill()
    assert caught.value.status_code == 409
    c.remove()


def test_list_filters(client):
    made = [client.containers.create("busybox", "true", name=f"listed{i}", labels={"n": str(i)}) for i in range(2)]

    def names(**filters):
        return sorted(c.name for c in client.containers.list(all=True, filters=filters))

    assert names(name="^listed1$") == ["listed1"] and names(label="n=0") == ["listed0"]
    assert names(label=["n"], status="created") == ["listed0", "listed1"] and names(ancestor="busybox", label="n=5") == []
    made[0].start()
    harness.wait_until(lambda: names(exited="0") == ["listed0"], 60, "its end")
    for c in made:
        c.remove(force=True)
