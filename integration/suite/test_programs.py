# SPDX-License-Identifier: Apache-2.0
"""nginx and Redis in containers, under load from the host and from other containers while containers come and go and the
engine does."""
import contextlib
import json
import re
import shutil
import subprocess
import threading

import harness
import image
import pytest

PROGRAMS = [shutil.which(name) for name in ("nginx", "redis-server", "redis-benchmark", "wrk")]
pytestmark = [pytest.mark.skipif(None in PROGRAMS, reason="integration/deps --test installs nginx, Redis and wrk"),
              pytest.mark.unsanitized(reason="it is load")]
NGINX = """user root; daemon off; master_process off; pid /tmp/nginx.pid; error_log stderr;
events { worker_connections 512; }
http { access_log off; server { listen 80; location / { return 200 "hello\\n"; } } }
"""
LOAD = "-t2", "-c20", "-d4s", "--timeout", "60s"  # an answer later than that is an error of wrk's


@pytest.fixture
def engine(ns):
    layers = [image.busybox_layer(), image.program_layer(PROGRAMS, {"etc/nginx.conf": NGINX, "var/lib/nginx/.keep": "",
                                                                    "var/log/nginx/.keep": "", "etc/services": "http 80/tcp\n"})]
    with harness.Engine(netns=ns.name) as e:
        e.load_busybox()
        e.cleat("load", text=False, input=image.docker_archive(["programs:latest"], layers))
        yield e


@contextlib.contextmanager
def coming_and_going(engine):
    """Containers with a published port are started and removed all the time; yields how many there were, so far."""
    end, done, failed = threading.Event(), [], []

    def work():
        while not end.is_set():
            told = engine.cleat("run", "--rm", "-p", "80", "busybox", "true", check=False)
            (failed if told.returncode else done).append(told.stderr)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert not failed and done


def address_of(engine, name):
    return json.loads(engine.out("inspect", name))[0]["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]


def serve_pages(engine):
    engine.out("run", "-d", "--name", "web", "-p", "8080:80", "programs", "nginx", "-c", "/etc/nginx.conf")
    harness.wait_until(lambda: ":0050 " in engine.out("exec", "web", "cat", "/proc/net/tcp"), what="nginx listens")


def check_wrk(told):
    assert int(re.search(r"(\d+) requests in", told)[1]) > 0
    assert "Socket errors" not in told and "Non-2xx" not in told, told


def test_nginx_under_load(engine, ns):
    serve_pages(engine)
    with coming_and_going(engine):
        peer = engine.popen("run", "--rm", "programs", "wrk", *LOAD, f"http://{address_of(engine, 'web')}/", stdout=subprocess.PIPE,
                            text=True)
        check_wrk(ns.run("wrk", *LOAD, "http://127.0.0.1:8080/").stdout)
        told = peer.communicate(timeout=60)[0]
        assert peer.returncode == 0
        check_wrk(told)


def test_load_without_the_engine(engine, ns):
    serve_pages(engine)
    with subprocess.Popen(ns.inside("wrk", *LOAD, "http://127.0.0.1:8080/"), stdout=subprocess.PIPE, text=True) as load:
        engine.kill()
        told = load.communicate(timeout=60)[0]
    check_wrk(told)
    engine.start()
    check_wrk(ns.run("wrk", *LOAD, "http://127.0.0.1:8080/").stdout)


def test_redis_under_load(engine, ns):
    engine.out("run", "-d", "--name", "store", "-p", "6379:6379", "programs", "redis-server", "--protected-mode", "no", "--save", "")
    engine.wait_for_log("store", "Ready to accept connections")
    asks = "-q", "-n", "5000", "-c", "20", "-t", "set,get,incr,lpush,lpop"
    with coming_and_going(engine):
        peer = engine.out("run", "--rm", "programs", "redis-benchmark", "-h", address_of(engine, "store"), *asks)
        host = ns.run("redis-benchmark", "-h", "127.0.0.1", *asks).stdout
    for told in (peer, host):
        assert set(re.findall(r"(\w+): [\d.]+ requests per second", told)) >= {"SET", "GET", "INCR", "LPUSH", "LPOP"}, told
