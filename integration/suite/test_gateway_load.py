# SPDX-License-Identifier: Apache-2.0
"""POST /images/load: a stream through the gateway, whatever happens at its two ends."""
import json
import os
import shutil
import signal

import pytest

import harness
import image
from gateway import Unix

LARGE = 64 << 20


@pytest.fixture(scope="module")
def archive():
    """An image whose layer no compressor makes small."""
    layer = image.Layer()
    layer.add("big", os.urandom(LARGE))
    return image.docker_archive(["big:1"], layers=[layer.bytes()])


def load(gateway, data):
    """The objects of the answer, whose status is always 200."""
    code, headers, body = gateway.ask("POST", "/images/load", data, {"Content-Type": "application/x-tar"})
    assert (code, headers["Content-Type"]) == (200, "application/json")
    return [json.loads(line) for line in body.splitlines()]


def begin(gateway, data, announced):
    connection = Unix(gateway.path)
    connection.connect()
    connection.sock.sendall(b"POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % announced + data)
    return connection


@pytest.mark.unsanitized(reason="measures memory, of which sanitizers take much")
def test_a_large_image_is_not_held_in_memory(gateway, archive):
    before = gateway.peak_kib()
    assert load(gateway, archive) == [{"stream": "Loaded image: big:1\n"}]
    assert gateway.peak_kib() - before < LARGE // 4 >> 10
    gateway.json("DELETE", "/images/big:1")


@pytest.mark.parametrize("data,text", [
    (b"", "empty"), (b"junk" * 300000, "no tar"), (image.docker_archive(["cut:1"])[:100000], "runcated"),
], ids=["empty", "junk", "cut"])
def test_a_broken_archive_is_one_error_in_the_stream(gateway, data, text):
    told = load(gateway, data)
    assert len(told) == 1 and text in told[0]["error"] and told[0]["errorDetail"]["message"] == told[0]["error"]
    gateway.json("GET", "/images/cut:1/json", status=404)


def test_a_client_that_goes_away_leaves_nothing(gateway, archive):
    begin(gateway, archive[:1 << 20], len(archive)).close()
    tasks = f"/proc/{gateway.process.pid}/task"
    harness.wait_until(lambda: len(os.listdir(tasks)) <= 2, 60, "end of the request's thread")
    assert load(gateway, image.docker_archive(["next:1"])) == [{"stream": "Loaded image: next:1\n"}]
    gateway.json("DELETE", "/images/next:1")


def test_an_engine_lost_midway_is_one_error(gateway, archive):
    half = len(archive) // 2
    connection = begin(gateway, archive[:half], len(archive))
    gateway.engine.kill(signal.SIGKILL)
    connection.sock.sendall(archive[half:])
    reply = b""
    while b"\r\n0\r\n\r\n" not in reply:
        reply += connection.sock.recv(65536)
    connection.close()
    gateway.engine.start()
    assert b" 200 OK" in reply and reply.count(b'"error"') == 1
    gateway.json("GET", "/images/big:1/json", status=404)


@pytest.mark.skipif(not shutil.which("docker"), reason="no docker client on this machine")
def test_docker_load(gateway, archive, tmp_path):
    (tmp_path / "i.tar").write_bytes(archive)
    assert gateway.docker("load", "-i", str(tmp_path / "i.tar")).stdout == "Loaded image: big:1\n"
    (tmp_path / "i.tar").write_bytes(b"junk" * 300000)
    done = gateway.docker("load", "-i", str(tmp_path / "i.tar"))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "load: it is no tar, plain or compressed\n")
    gateway.json("DELETE", "/images/big:1")
