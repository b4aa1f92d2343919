# SPDX-License-Identifier: Apache-2.0
"""Which members the answers of Docker's API have, and of which types: programs in languages with types read them unasked.
Run as a program (as root, with Debian's dockerd) it writes down those of dockerd: recorded/shapes-dockerd.json."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import eventscenario  # noqa: E402  pylint: disable=wrong-import-position
import gateway  # noqa: E402  pylint: disable=wrong-import-position

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded" / "shapes-dockerd.json"
VERSION = "v1.41"  # the recorded dockerd's
PATHS = ("/version", "/info", "/images/json", "/images/busybox/json", "/images/busybox/history", "/containers/json?size=1",
         "/containers/shape/json?size=1", "/containers/shape/top", "/containers/shape/changes", "/containers/shape/stats?stream=0",
         "/networks/shape", "/volumes", "/volumes/shape", "/system/df")
KINDS = {dict: "object", list: "list", str: "string", bool: "bool", int: "number", float: "number", type(None): "null"}
# Objects whose keys are data.
MAPS = ("Labels", "Options", "Ports", "PortBindings", "ExposedPorts", "Runtimes", "Containers", "networks", "Data", "stats",
        "IndexConfigs")


def shape(value, path="", into=None):
    """{path: kind} of all that is in a document; elements of a list count as one."""
    into = {} if into is None else into
    into[path] = KINDS[type(value)]
    for element in (value if isinstance(value, list) else ())[:1]:
        shape(element, f"{path}[]", into)
    for key, member in (value if isinstance(value, dict) else {}).items():
        name = "*" if path.rsplit(".", 1)[-1] in MAPS else key
        shape(member, f"{path}.{name}", into)
    return into


def take(docker, sock):
    """Of each path the shape of its answer; `docker` is the client of an engine that has busybox."""
    docker("network", "create", "--subnet", "10.9.1.0/24", "--gateway", "10.9.1.1", "shape")
    docker("run", "-d", "--name", "shape", "--network", "shape", "-p", "127.0.0.1::80", "-v", "shape:/v", "-l", "a=b",
           "--health-cmd", "true", "--ulimit", "nofile=100", "busybox", "sleep", "1000")
    docker("exec", "shape", "touch", "/file")
    found = {}
    for path in PATHS:
        connection = gateway.Unix(sock)
        connection.request("GET", f"/{VERSION}{path}")
        reply = connection.getresponse()
        text = reply.read()
        assert reply.status == 200, (path, text)
        connection.close()
        found[path] = shape(json.loads(text))
    docker("rm", "-f", "shape")
    docker("network", "rm", "shape")
    docker("volume", "rm", "shape")
    return found


def record():
    """In a network namespace of its own: dockerd touches nothing of the host's."""
    from benchmark import common  # pylint: disable=import-outside-toplevel
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="cleat-record-") as name:
        root = pathlib.Path(name)
        dockerd = common.Dockerd(root, root / "run", own_network=False, bridge=True)
        try:
            dockerd.load_busybox()
            found = take(eventscenario.Docker(dockerd.host), dockerd.host.removeprefix("unix://"))
        finally:
            dockerd.close()
    RECORDED.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
