# SPDX-License-Identifier: Apache-2.0
"""What happens to images and containers, as Docker's client asks for it, and the events an engine tells about it.
Run as a program (as root, with Debian's dockerd) it writes down what dockerd tells: recorded/events-dockerd.json."""
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import image  # noqa: E402  pylint: disable=wrong-import-position
import registries  # noqa: E402  pylint: disable=wrong-import-position

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded" / "events-dockerd.json"


class Docker:
    """Docker's client of one engine."""

    def __init__(self, host):
        self.host = host

    def __call__(self, *arguments, stdin=None):
        done = subprocess.run(["docker", "-H", self.host, *map(str, arguments)], input=stdin, capture_output=True,
                              timeout=120, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def ask(self, path, body=b"", document=None):
        """One POST of the document, read to its end. After the head of the answer the body is sent as the keys somebody
        types. What came."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(60)
            s.connect(self.host.removeprefix("unix://"))
            upgrade = "Connection: Upgrade\r\nUpgrade: tcp" if body else "Connection: close"
            sent = b"" if document is None else json.dumps(document).encode()
            s.sendall(f"POST {path} HTTP/1.1\r\nHost: d\r\n{upgrade}\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
            told = s.recv(4096)
            if body:
                s.sendall(body)
            while part := s.recv(4096):
                told += part
        assert told.split()[1] in (b"101", b"200", b"201"), told
        return told


def run_images(docker, host, folder):
    archive = folder / "two.tar"
    archive.write_bytes(image.docker_archive(["one:1", "two:latest"], Labels={"of": "image"}))
    docker("load", "-i", archive)
    docker("tag", "one:1", f"{host}/there")
    docker("push", f"{host}/there")
    docker("save", "-o", folder / "saved.tar", "one:1", "two")
    docker("rmi", f"{host}/there")
    docker("pull", f"{host}/there")
    docker("pull", f"{host}/there")
    docker("pull", "-a", f"{host}/there")
    docker("import", "-", "imported:1", stdin=image.busybox_layer())
    docker("rmi", "imported:1", "two")


def run_container(docker, folder):
    docker("create", "-it", "--name", "box", "-l", "of=container", "one:1", "sh", "-c",
           "while :; do echo here; sleep 0.1; done")
    docker("start", "box")
    docker.ask("/v1.41/containers/box/attach?stream=1&stdin=1&stdout=1&detachKeys=q", b"q")
    docker.ask("/v1.41/containers/box/resize?h=12&w=34")
    docker("top", "box")
    docker("cp", "box:/bin/busybox", folder / "busybox")
    docker("cp", folder / "busybox", "box:/copied")
    docker("exec", "box", "true")
    docker("pause", "box")
    docker("unpause", "box")
    docker("export", "-o", folder / "exported.tar", "box")
    docker("commit", "--pause=false", "-m", "said", "box", "made:1")
    docker("rename", "box", "chest")
    docker("kill", "-s", "KILL", "chest")
    docker("wait", "chest")


def run_prunes(docker):
    docker("container", "prune", "-f")
    docker("rmi", "made:1")
    docker("image", "prune", "-f")
    docker("builder", "prune", "-f")
    docker("volume", "prune", "-f")
    docker("network", "prune", "-f")


def run(docker, host, folder):
    """All of it; the events in order, with what differs from run to run made the same."""
    since = time.time()
    run_images(docker, host, folder)
    run_container(docker, folder)
    run_prunes(docker)
    told = docker("events", "--since", f"{since:.9f}", "--until", f"{time.time():.9f}", "--format", "{{json .}}")
    return plain([json.loads(line) for line in told.splitlines()], host)


class Names:
    """The n-th id that is seen is "id n"; digits of sizes are "some"."""

    def __init__(self, host):
        self.host, self.known = host, {}

    def __call__(self, key, value):
        if key == "reclaimed":
            return value if value == "0" else "some"
        value = value.replace(self.host, "REGISTRY")
        return re.sub("(sha256:)?[0-9a-f]{64}", lambda m: self.known.setdefault(
            m[0].removeprefix("sha256:"), f"{m[1] or ''}id {len(self.known)}"), value)


def plain(events, host):
    names = Names(host)
    return [{"type": e["Type"], "action": names("", e["Action"]), "id": names("", e["Actor"]["ID"]),
             **{k: names(k, v) for k, v in sorted(e["Actor"]["Attributes"].items())}}
            for e in events if e["Action"] not in ("connect", "disconnect")]


def record():
    """In a network namespace of its own: dockerd touches nothing of the host's."""
    from benchmark import common  # pylint: disable=import-outside-toplevel
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="cleat-record-") as name, registries.Registry() as registry:
        root = pathlib.Path(name)
        dockerd = common.Dockerd(root, root / "run", own_network=False)
        try:
            told = run(Docker(dockerd.host), registry.host, root)
        finally:
            dockerd.close()
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text("[\n" + ",\n".join(json.dumps(e) for e in told) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    record()
