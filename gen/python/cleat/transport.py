# SPDX-License-Identifier: Apache-2.0
"""What generated services call: a Client, and one handle per shape of stream.

A Client opens a connection when it needs one and a fresh one after a loss or a GOAWAY. A call that
certainly never began (Error.not_started) is repeated for up to `retry` seconds, and so is a unary call that
was cut off when it is idempotent or has a request_key. Streams are not resumed here, since only the caller
knows from where. Calls may be made from several threads.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Generic, Iterable, Iterator, Mapping, TypedDict, TypeVar

from cleat import codec, errors
from cleat.connection import Call, Connection

Request = TypeVar("Request", bound=codec.Message)
Reply = TypeVar("Reply", bound=codec.Message)
RETRY_PAUSE = 0.01


class Options(TypedDict, total=False):
    """Options of one call."""

    timeout: float                        # seconds, for the whole call
    request_key: str                      # a mutating call repeated with the same key runs once
    metadata: Mapping[str, str | bytes]
    trace: str


@dataclass(frozen=True)
class Method:
    """What the generator knows about a method."""

    path: str
    reply: Callable[[], type[codec.Message]]
    role: int
    idempotent: bool
    no_side_effects: bool


class _Stream(Generic[Request, Reply]):
    def __init__(self, call: Call, reply: type[Reply]) -> None:
        self._call = call
        self._reply = reply

    def __enter__(self):
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancels the call if it has not ended."""
        self._call.close()

    @property
    def metadata(self) -> dict[str, bytes]:
        """What the server has sent ahead of its messages."""
        return dict(self._call.metadata)

    def _receive(self) -> Reply | None:
        data = self._call.receive()
        return None if data is None else self._reply.decode(data)

    def _iterate(self) -> Iterator[Reply]:
        while (message := self._receive()) is not None:
            yield message


class Receiver(_Stream[Any, Reply]):
    """A server stream: iterate over it. Leaving a `with` block cancels what is left."""

    def __iter__(self) -> Iterator[Reply]:
        return self._iterate()

    def receive(self) -> Reply | None:
        """The next message; None at the end."""
        return self._receive()


class Sender(_Stream[Request, Reply]):
    """A client stream: send(), then finish() for the reply."""

    def send(self, message: Request) -> None:
        self._call.send(message.encode())

    def send_all(self, messages: Iterable[Request]) -> Reply:
        """Sends every message and returns the reply."""
        for message in messages:
            self.send(message)
        return self.finish()

    def finish(self) -> Reply:
        """Half-closes and waits for the reply."""
        self._call.end()
        return _only_reply(self._call, self._reply)


class Bidi(Receiver[Reply], Generic[Request, Reply]):
    """Both directions: one thread may send while another iterates."""

    def send(self, message: Request) -> None:
        self._call.send(message.encode())

    def end(self) -> None:
        """Half-closes: nothing more will be sent."""
        self._call.end()


def _only_reply(call: Call, reply: type[Reply]) -> Reply:
    data = call.receive()
    if data is None:
        raise errors.Internal("the call ended with OK and no reply")
    message = reply.decode(data)
    call.receive()  # the status
    return message


class Client:
    """A client of one server at ipc:///path, tcp://host:port or tls+tcp://host:port.

    connect: seconds for dialling and HELLO; retry: seconds to repeat what never began, and of unary calls
    what is idempotent or has a request_key and was cut off; tls: a pynng.TLSConfig for tls+tcp. Nothing is dialled before the first call.
    """

    def __init__(self, url: str, connect: float = 5.0, retry: float = 5.0, tls: Any = None) -> None:
        self.url = url
        self._connect = connect
        self._retry = retry
        self._tls = tls
        self._lock = threading.Lock()
        self._connections: list[Connection] = []  # the last one, and those that finish their calls

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes every connection; open calls fail. A later call would open a new one."""
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()

    @property
    def instance(self) -> bytes:
        """The server's 16 bytes; they differ after a restart or an upgrade. Connects if needed."""
        return self._usable().peer.instance

    def _usable(self) -> Connection:
        with self._lock:
            # one that got GOAWAY closes itself after its last call
            self._connections = [c for c in self._connections if c.lost is None]
            if not self._connections or not self._connections[-1].usable:
                self._connections.append(Connection(self.url, self._connect, self._tls))
            return self._connections[-1]

    def _repeat(self, what: Callable[[], Any], safe: bool = False) -> Any:
        until = time.monotonic() + self._retry
        while True:
            try:
                return what()
            except errors.Unavailable as e:
                if not (safe or e.not_started) or time.monotonic() >= until:
                    raise
            time.sleep(RETRY_PAUSE)

    def _open(self, method: Method, options: Options, first: codec.Message | None) -> Call:
        data = None if first is None else first.encode()
        return self._usable().open(method.path, options, data, end=first is not None)

    def unary(self, method: Method, request: codec.Message, options: Options) -> Any:
        def attempt() -> codec.Message:
            call = self._open(method, options, request)
            try:
                return _only_reply(call, method.reply())
            finally:
                call.close()

        safe = method.idempotent or method.no_side_effects or bool(options.get("request_key"))
        return self._repeat(attempt, safe)

    def server_stream(self, method: Method, request: codec.Message, options: Options) -> Receiver:
        return Receiver(self._repeat(lambda: self._open(method, options, request)), method.reply())

    def client_stream(self, method: Method, options: Options) -> Sender:
        return Sender(self._repeat(lambda: self._open(method, options, None)), method.reply())

    def bidi(self, method: Method, options: Options) -> Bidi:
        return Bidi(self._repeat(lambda: self._open(method, options, None)), method.reply())
