# SPDX-License-Identifier: Apache-2.0
"""Mirrors and servers that answer oddly: the next one is asked, and a server that names a time is asked again then."""
import email.utils
import http.client
import threading
import time

import harness
import httpserver
import image
import pytest
import registries


class Relay(httpserver.HttpServer):
    """Passes everything on to a registry but what `odd` (called with the handler) has answered itself."""

    def __init__(self, registry, odd):
        self.registry, self.odd, self.asked = registry, odd, []
        self.closing = threading.Event()
        super().__init__()

    def answer(self, handler):
        self.asked.append((handler.path, time.time()))
        if self.odd(self, handler):
            return
        status, headers, body = self.registry.ask(handler.command, handler.path, dict(handler.headers))
        self.reply(handler, status, body, {k: v for k, v in headers.items() if k not in ("Content-Length", "Connection")})

    @staticmethod
    def reply(handler, status, body=b"", headers=None):
        handler.send_response(status, http.client.responses[status])
        for key, value in (headers or {}).items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def __exit__(self, *arguments):
        self.closing.set()
        super().__exit__(*arguments)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with registries.Registry() as r:
        layers = [image.busybox_layer(), registries.big_layer(1)]
        r.skopeo_push(registries.archive_file(tmp_path_factory.mktemp("archive"), layers), "library/x:1")
        yield r


def fails_with(status):
    return lambda relay, handler: relay.reply(handler, status) or True


def stalls(relay, _handler):
    relay.closing.wait(120)
    return True


def lies(relay, handler):
    relay.reply(handler, 200, b"{}" * 100)
    return True


@pytest.mark.parametrize("what", ["manifests", "blobs"])
@pytest.mark.parametrize("how", [fails_with(404), fails_with(500), fails_with(403), stalls, lies],
                         ids=["404", "500", "403", "stalls", "lies"])
def test_a_mirror_that_fails(registry, what, how):
    """The next in the list is asked for the image, whatever of it the mirror could not give."""
    with Relay(registry, lambda relay, handler: f"/{what}/" in handler.path and how(relay, handler)) as odd:
        mirrors = [f"http://{odd.host}", f"http://{registry.host}"]
        # the limit is that of both: no more than has to be waited for, and only where it has to
        limit = {"registry-timeout": 5} if how is stalls else {}
        with harness.Engine(config={"registry-mirrors": mirrors, **limit}) as engine:
            assert engine.out("run", "--rm", "x:1", "echo", "ok") == "ok"
            assert any(f"/{what}/" in path for path, _ in odd.asked)
            assert engine.out("images", "--format", "{{.Repository}}:{{.Tag}}") == "x:1"


def test_the_last_one_has_the_word(registry):
    """What it says is what the user gets to know."""
    with Relay(registry, fails_with(500)) as odd, Relay(registry, fails_with(404)) as last:
        with harness.Engine(config={"registry-mirrors": [f"http://{odd.host}"]}) as engine:
            done = engine.cleat("pull", f"{last.host}/x:1", check=False)
            assert done.returncode == 1 and "not found" in done.stderr and odd.asked == []


@pytest.mark.parametrize("form", ["date", "seconds"])
def test_a_time_to_come_back(engine, registry, form):
    """Retry-After, in both its forms, of a manifest and of a layer."""
    until, lock = {}, threading.Lock()

    def busy(relay, handler):
        kind = handler.path.split("/")[-2]
        with lock:  # blobs are asked for at the same time
            if kind in until or kind not in ("manifests", "blobs"):
                return False
            until[kind] = int(time.time()) + 2
        relay.reply(handler, 429, b"", {"Retry-After": email.utils.formatdate(until[kind], usegmt=True)
                                        if form == "date" else "1"})
        return True
    with Relay(registry, busy) as relay:
        assert engine.out("run", "--rm", f"{relay.host}/library/x:1", "echo", "ok") == "ok"
        for kind, at in until.items():
            path = next(path for path, _ in relay.asked if f"/{kind}/" in path)
            first, again = [when for p, when in relay.asked if p == path][:2]
            assert again >= (at if form == "date" else first + 1)
        assert sorted(until) == ["blobs", "manifests"]
