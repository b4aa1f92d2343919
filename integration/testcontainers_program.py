# SPDX-License-Identifier: Apache-2.0
"""A user's tests with testcontainers, its reaper off: containers that are waited for by log, port and health."""
import pathlib
import socket
import sys
import urllib.request

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.image import DockerImage
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import HealthcheckWaitStrategy, LogMessageWaitStrategy, PortWaitStrategy

testcontainers_config.ryuk_disabled = True
SERVE = 'mkdir /www; echo "$TEXT" >/www/index.html; httpd -p 8080 -h /www && echo "is ready"; exec sleep 1000'


def server(text):
    return DockerContainer("busybox").with_env("TEXT", text).with_command(["sh", "-c", SERVE]).with_exposed_ports(8080)


def fetch(container):
    url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8080)}/"
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.read()


def waits():
    with server("by log").waiting_for(LogMessageWaitStrategy("is ready")) as c:
        assert c.get_logs() == (b"is ready\n", b"")
        assert c.exec(["sh", "-c", "echo inside; exit 3"]) == (3, b"inside\n")
    with server("by port").waiting_for(PortWaitStrategy(8080)) as c:
        assert fetch(c) == b"by port\n"
        with socket.create_connection((c.get_container_host_ip(), int(c.get_exposed_port(8080))), 60):
            pass
    with server("by health").with_kwargs(healthcheck={"test": "wget -qO- 127.0.0.1:8080", "interval": 100000000}) \
            .waiting_for(HealthcheckWaitStrategy()) as c:
        assert fetch(c) == b"by health\n"


def networks_and_files(folder):
    (folder / "given").write_text("copied\n")
    with Network() as network:
        with server("of the other").with_network(network).with_network_aliases("other") \
                .waiting_for(LogMessageWaitStrategy("is ready")):
            with DockerContainer("busybox").with_network(network).with_command("sleep 1000") \
                    .with_volume_mapping(str(folder), "/mapped") as c:
                assert c.exec(["wget", "-qO-", "http://other:8080/"]) == (0, b"of the other\n")
                assert c.exec("cat /mapped/given") == (0, b"copied\n")


def images(folder):
    (folder / "Dockerfile").write_text('FROM busybox\nRUN echo built >/f\nCMD ["sh", "-c", "cat /f; sleep 1000"]\n')
    with DockerImage(path=str(folder), tag="tested:1") as image:
        with DockerContainer(str(image)).waiting_for(LogMessageWaitStrategy("built")) as c:
            assert c.exec("cat /f").output == b"built\n"


waits()
networks_and_files(pathlib.Path(sys.argv[1]))
images(pathlib.Path(sys.argv[1]))
