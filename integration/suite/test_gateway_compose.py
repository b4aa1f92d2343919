# SPDX-License-Identifier: Apache-2.0
"""docker-compose against the gateway: an application of three services, and what is done with it."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

import harness

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CLIENTS = {"1.29": "docker-compose", "2": str(TOP / "build" / "clients" / "docker-compose")}
APPLICATION = {
    "db/Dockerfile": """
FROM busybox
ARG GREETING=none
RUN mkdir /data && echo first >/data/seed && echo "$GREETING" >/greeting
COPY serve /serve
HEALTHCHECK --interval=100ms --retries=100 CMD grep -q ":1388 .* 0A " /proc/net/tcp*
CMD ["sh", "/serve"]
""",
    "db/serve": """
trap 'echo stopped; exit 0' TERM
echo "serving $(cat /greeting)"
while :; do cat /greeting | nc -l -p 5000 & wait $!; done
""",
    "conf/name": "configured\n",
    "web.env": "FROM_FILE=1\n",
    "docker-compose.yml": """
services:
  db:
    build: {context: db, args: {GREETING: hello}}
    image: app/db:1
    volumes: ["data:/data"]
    networks: {back: {aliases: [store]}}
  web:
    image: busybox
    command: [sh, -c, "mkdir /www; nc store 5000 >/www/index.html; exec httpd -f -p 80 -h /www"]
    depends_on: {db: {condition: service_healthy}}
    environment: {GIVEN: "yes"}
    env_file: web.env
    ports: ["80"]
    volumes: ["./conf:/conf:ro"]
    networks: [front, back]
    healthcheck: {test: "wget -q -O- http://127.0.0.1/index.html", interval: 100ms, retries: 100}
  worker:
    image: busybox
    command: [sh, -c, "wget -q -O- http://web/; exec sleep 1000"]
    depends_on: {web: {condition: service_healthy}}
    networks: [front]
    restart: unless-stopped
    stop_grace_period: 0s
  once:
    image: busybox
    command: [sh, -c, "echo done; exit 7"]
    volumes: [/kept]
    network_mode: none
    profiles: [task]
networks:
  front:
  back: {internal: true, ipam: {config: [{subnet: 10.77.0.0/24}]}}
volumes:
  data: {labels: {kept: "yes"}}
""",
}


class Compose:
    def __init__(self, command, gateway, folder):
        self.command, self.gateway, self.folder = command, gateway, folder
        for name, text in APPLICATION.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

        self.env = {**os.environ, "DOCKER_HOST": f"unix://{gateway.path}", "DOCKER_BUILDKIT": "0", "COMPOSE_PROJECT_NAME": "app"}

    def popen(self, *arguments):
        return subprocess.Popen([self.command, *arguments], cwd=self.folder, env=self.env, text=True, stdout=subprocess.PIPE)

    def run(self, *arguments, code=0, env=None, **kw):
        """(stdout, stderr)"""
        done = subprocess.run([self.command, *arguments], cwd=self.folder, env={**self.env, **(env or {})},
                              capture_output=True, text=True, timeout=120, check=False, **kw)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done.stdout, done.stderr

    def out(self, *arguments, **kw):
        return self.run(*arguments, **kw)[0]

    def containers(self, service):
        """What is inspected of all of a service's, in the order of their numbers."""
        filters = json.dumps({"label": [f"com.docker.compose.service={service}"]})
        listed = self.gateway.json("GET", f"/containers/json?all=1&filters={filters.replace(' ', '')}")
        listed.sort(key=lambda c: int(c["Labels"]["com.docker.compose.container-number"]))
        return [self.gateway.json("GET", f"/containers/{c['Id']}/json") for c in listed]


@pytest.fixture(params=CLIENTS.values(), ids=CLIENTS)
def compose(networked_gateway, tmp_path, request):
    if not shutil.which(request.param):
        pytest.skip("this docker-compose is not on this machine")
    c = Compose(request.param, networked_gateway, tmp_path)
    yield c
    c.run("--profile", "task", "down", "-v", "-t", "0", "--rmi", "local")
    networked_gateway.json("POST", "/v1.41/volumes/prune")  # one that a recreated container has by its name is of nobody


def test_life_of_an_application(compose):
    compose.run("build")
    compose.run("up", "-d")
    db, web, worker = (compose.containers(name)[0] for name in ("db", "web", "worker"))
    assert [c["State"]["Health"]["Status"] for c in (db, web)] == ["healthy"] * 2
    assert db["State"]["StartedAt"] < web["State"]["StartedAt"] < worker["State"]["StartedAt"]
    assert set(web["NetworkSettings"]["Networks"]) == {"app_front", "app_back"}
    harness.wait_until(lambda: "hello" in compose.out("logs", "worker"), 60, "the page")
    assert "serving hello" in compose.out("logs", "--tail", "5", "db")
    port = compose.out("port", "web", "80").strip().rpartition(":")[2]
    assert compose.gateway.ns.run("busybox", "wget", "-q", "-O-", f"http://127.0.0.1:{port}").stdout == "hello\n"
    shown = compose.out("ps")
    assert shown.count("healthy") == 2 and f":{port}->80/tcp" in shown
    assert compose.out("exec", "-T", "web", "sh", "-c", "cat /conf/name; echo $GIVEN$FROM_FILE") == "configured\nyes1\n"
    assert compose.out("exec", "-T", "db", "sh", "-c", "cat /data/seed; exit 3", code=3) == "first\n"
    assert compose.out("exec", "-T", "db", "cat", input="typed") == "typed"
    assert "sh /serve" in compose.out("top", "db") and "app/db" in compose.out("images")

    compose.run("up", "-d", "--scale", "worker=3")
    workers = compose.containers("worker")
    assert [c["State"]["Running"] for c in workers] == [True] * 3 and workers[0]["Id"] == worker["Id"]
    compose.run("up", "-d", "--scale", "worker=1")
    assert [c["Id"] for c in compose.containers("worker")] == [worker["Id"]]

    compose.run("restart", "-t", "0", "web")
    again = compose.containers("web")[0]
    assert again["Id"] == web["Id"] and again["State"]["StartedAt"] > web["State"]["StartedAt"]
    compose.run("pause", "db")
    assert compose.containers("db")[0]["State"]["Paused"]
    compose.run("unpause", "db")
    compose.run("kill", "worker")
    compose.run("stop", "db")
    assert "stopped" in compose.out("logs", "db") and compose.containers("db")[0]["State"]["ExitCode"] == 0
    assert compose.containers("worker")[0]["State"]["ExitCode"] == 137
    compose.run("rm", "-f", "worker")
    compose.run("start", "db")
    compose.run("up", "-d")
    assert compose.containers("worker")[0]["State"]["Running"] and compose.containers("db")[0]["Id"] == db["Id"]

    compose.run("down", "-v", "--rmi", "local", "-t", "0")
    assert compose.gateway.json("GET", "/containers/json?all=1") == []
    assert compose.gateway.json("GET", "/volumes")["Volumes"] == []
    assert sorted(n["Name"] for n in compose.gateway.json("GET", "/networks")) == ["bridge", "host", "none"]


def test_a_recreated_container_keeps_its_volumes(compose):
    compose.run("--profile", "task", "up", "--no-start", "once")
    (before,) = compose.containers("once")
    compose.run("--profile", "task", "up", "--no-start", "--force-recreate", "once")
    (after,) = compose.containers("once")
    assert after["Id"] != before["Id"] and after["Mounts"] == before["Mounts"] != []


def test_in_the_foreground(compose):
    out = compose.out("--profile", "task", "up", "--no-color", "--exit-code-from", "once", "once", code=7)
    assert "done" in out
    assert compose.out("run", "-T", "--rm", "once", "cat", input="typed\n") == "typed\n"
    assert compose.out("run", "-T", "--rm", "once", "sh", "-c", "exit 5", code=5) == ""


def test_logs_that_are_followed(compose):
    compose.run("up", "-d", "db")
    with compose.popen("logs", "-f", "--no-color", "db") as logs:
        while "serving" not in logs.stdout.readline():
            assert logs.poll() is None
        compose.run("stop", "db")
        assert "stopped" in logs.stdout.read() and logs.wait(60) == 0


def test_build_without_the_docker_client(compose):
    """docker-compose's own way to build, which the version 2 takes always."""
    out, err = compose.run("build", "--no-cache", "--build-arg", "GREETING=other", env={"COMPOSE_DOCKER_CLI_BUILD": "0"})
    assert "Successfully built" in out + err
    assert compose.out("run", "-T", "--rm", "--no-deps", "db", "cat", "/greeting") == "other\n"
