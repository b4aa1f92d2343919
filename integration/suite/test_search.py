# SPDX-License-Identifier: Apache-2.0
"""search, by a server that answers as Docker's hub does."""
import json
import shutil
import urllib.parse

import docker
import httpserver
import pytest

FOUND = [{"name": "alpine", "description": "A minimal\nimage " + "\u00e9" * 60, "star_count": 9000, "is_official": True},
         {"name": "some/alpine", "description": "", "star_count": 2, "is_official": False}]


class Hub(httpserver.HttpServer):
    def __init__(self):
        self.asked, self.status, self.body = [], 200, json.dumps({"num_results": 2, "query": "x", "results": FOUND})
        super().__init__()

    def answer(self, handler):
        self.asked.append(handler.path)
        data = self.body.encode()
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


@pytest.fixture
def hub():
    with Hub() as server:
        yield server


def test_search(engine, hub):
    lines = engine.out("search", f"{hub.host}/al pine&x").splitlines()
    assert lines[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"]
    assert lines[1].split()[0] == "alpine" and lines[1].split()[-2:] == ["9000", "[OK]"] and "\u2026" in lines[1]
    assert lines[2].split() == ["some/alpine", "2"] and len(lines) == 3
    url = urllib.parse.urlparse(hub.asked[-1])
    assert url.path == "/v1/search" and urllib.parse.parse_qs(url.query) == {"q": ["al pine&x"], "n": ["25"]}
    names = ["search", "--format", "{{.Name}}"]
    assert engine.out(*names, "--limit", "7", f"{hub.host}/library/a").split() == ["alpine", "some/alpine"]
    assert hub.asked[-1] == "/v1/search?q=a&n=7"
    assert engine.out(*names, "-f", "is-official=true", f"{hub.host}/a") == "alpine"
    assert engine.out(*names, "-f", "is-official=false", f"{hub.host}/a") == "some/alpine"
    assert engine.out(*names, "-f", "stars=3", f"{hub.host}/a") == "alpine"
    assert "\u00e9" * 60 in engine.out("search", "--no-trunc", f"{hub.host}/a")


@pytest.mark.parametrize("arguments,told", [
    (["--limit", "0"], "outside the range"), (["--limit", "101"], "outside the range"), (["--limit", "x"], "outside the range"),
    (["-f", "colour=red"], "invalid filter 'colour"), (["-f", "stars=many"], "invalid filter 'stars"),
    (["-f", "is-official=perhaps"], "invalid filter 'is-official"),
])
def test_wrong_input(engine, hub, arguments, told):
    done = engine.cleat("search", *arguments, f"{hub.host}/a", check=False)
    assert done.returncode == 1 and told in done.stderr and hub.asked == []


def test_odd_answers(engine, hub):
    for status, body, told in ((404, "", "the registry answered 404"), (200, "[", "cannot be read"),
                               (200, "{}", "cannot be read"), (200, '{"results": "x"}', "cannot be read"),
                               (401, '{"errors": [{"message": "no"}]}', "")):
        hub.status, hub.body = status, body
        done = engine.cleat("search", f"{hub.host}/a", check=False)
        assert done.returncode == 1 and told in done.stderr, done
    assert "a term is needed" in engine.cleat("search", f"{hub.host}/", check=False).stderr


def test_by_dockers_clients(gateway, hub):
    client = docker.DockerClient(base_url=f"unix://{gateway.path}", version="auto")
    assert client.images.search(f"{hub.host}/a", limit=3) == [{**FOUND[0], "is_automated": False},
                                                            {**FOUND[1], "is_automated": False}]
    assert hub.asked[-1].endswith("n=3")
    client.close()
    assert "outside the range" in gateway.json("GET", "/images/search?term=a&limit=x", status=400)["message"]
    if shutil.which("docker"):
        done = gateway.docker("search", "--filter", "is-official=true", "--format", "{{.Name}}", f"{hub.host}/a")
        assert (done.returncode, done.stdout) == (0, "alpine\n"), done
