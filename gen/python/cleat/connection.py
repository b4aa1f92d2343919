# SPDX-License-Identifier: Apache-2.0
"""One connection: a PAIR0 socket with exactly one pipe, a thread that reads it, and the open calls.

nng would redial by itself and deliver frames queued for a dead server to its successor, so a socket is
never used for a second pipe: when the pipe goes, the socket is closed and all calls fail.

The reading thread only moves frames into calls; credit is given when the application has taken the
data, so a call that nobody reads stops its sender and nothing else.
"""

from __future__ import annotations

import collections
import threading
import time

import pynng

from cleat import codec, errors
from cleat.rpc.v1 import Frame, Hello, Kind, Meta, Open

VERSION = 1
MAX_FRAME = 1 << 20
MAX_MESSAGE = 16 << 20
CHUNK = 64 << 10
WINDOW = 256 << 10
SEND_TIMEOUT_MS = 30_000
CLOSE_TIMEOUT = 5.0
NEVER_MS = 0x7FFFFFFF


class Call:
    """The state of one call. All fields are guarded by the connection's condition."""

    def __init__(self, connection: Connection, number: int, deadline: float | None) -> None:
        self.connection = connection
        self.number = number
        self.deadline = deadline
        self.window = connection.peer.window or WINDOW  # bytes the server takes
        self.consumed = 0       # bytes taken by the application and not yet credited
        self.granted = WINDOW
        self.messages: collections.deque[tuple[bytes, int]] = collections.deque()
        self.parts = bytearray()
        self.ended: errors.Error | None | bool = False  # False = open, None = OK
        self.half_closed = False
        self.metadata: dict[str, bytes] = {}

    def _wait(self) -> None:
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if left is not None and left <= 0:
            self.connection.cancel(self)
            raise errors.DeadlineExceeded("the deadline has passed")
        self.connection.changed.wait(left)

    def _check_open(self) -> None:
        if self.ended is not False:
            raise self.ended or errors.FailedPrecondition("the call has ended")

    def send(self, data: bytes) -> None:
        """Sends one message, in parts as the window allows. Blocks."""
        if self.half_closed:
            raise errors.FailedPrecondition("nothing can be sent after end()")
        at, first = 0, True
        while first or at < len(data):
            with self.connection.changed:
                self._check_open()
                while self.window <= 0 and len(data) > at:
                    self._wait()
                    self._check_open()
                part = data[at:at + min(CHUNK, max(self.window, 0))]
                self.window -= len(part)
            at += len(part)
            first = False
            self.connection.send(Frame(call=self.number, kind=Kind.DATA, data=part, has_data=True,
                                       more=at < len(data)))

    def end(self) -> None:
        """Half-closes: the server sees the end of what is sent."""
        with self.connection.changed:
            if self.half_closed or self.ended is not False:
                return
            self.half_closed = True
        self.connection.send(Frame(call=self.number, kind=Kind.DATA, end=True))

    def receive(self) -> bytes | None:
        """The next message, None when the call ended with OK; raises when it failed. Blocks."""
        credit = 0
        with self.connection.changed:
            while not self.messages and self.ended is False:
                self._wait()
            if not self.messages:
                if self.ended:
                    raise self.ended
                return None
            data, counted = self.messages.popleft()
            self.consumed += counted
            if self.ended is False and self.consumed >= self.granted // 2:
                credit, self.consumed = self.consumed, 0
        if credit:
            self.connection.send(Frame(call=self.number, kind=Kind.CREDIT, credit=credit))
        return data

    def close(self) -> None:
        """Cancels the call if it is still open."""
        self.connection.cancel(self)

    def take(self, frame: Frame) -> None:
        """A frame of the server; under the connection's lock."""
        counted = len(frame.data) if frame.kind == Kind.DATA else 0
        if frame.kind == Kind.CREDIT:
            self.window += frame.credit
        elif frame.kind == Kind.HEADERS:
            self.metadata.update({m.key: m.value for m in frame.meta})
        if frame.has_data or frame.data:
            self.parts += frame.data
            if frame.more:
                # a message larger than the window must be credited while it gathers
                self.consumed += counted
            else:
                self.messages.append((bytes(self.parts), counted))
                self.parts.clear()
        if frame.kind == Kind.STATUS:
            status = frame.status
            self.ended = None
            if status and status.code:
                self.ended = errors.from_status(status.code, status.message, status.reason,
                                                status.not_started,
                                                {m.key: m.value for m in status.details})

    def gathering_credit(self) -> int:
        """Credit due for parts of a message that is not complete yet; under the lock."""
        if self.parts and self.consumed >= self.granted // 2:
            credit, self.consumed = self.consumed, 0
            return credit
        return 0


class Connection:
    """Dials and waits for the server's HELLO; raises Unavailable when there is none in `timeout`."""

    def __init__(self, url: str, timeout: float, tls: pynng.TLSConfig | None = None) -> None:
        self.changed = threading.Condition()
        self.calls: dict[int, Call] = {}
        self.peer = Hello()
        self.ready = False
        self.going: int | None = None  # last call the server accepts, after GOAWAY
        self.lost: errors.Error | None = None
        self.last = 0
        self.closed = False
        self.socket = pynng.Pair0(recv_max_size=MAX_FRAME, send_timeout=SEND_TIMEOUT_MS,
                                  recv_buffer_size=128, send_buffer_size=128,
                                  reconnect_time_min=NEVER_MS, reconnect_time_max=NEVER_MS,
                                  tls_config=tls)
        self.socket.add_post_pipe_remove_cb(self._pipe_removed)
        try:
            self.socket.dial(url, block=True)
        except (pynng.PermissionDenied, pynng.AuthenticationError, pynng.CryptoError) as e:
            self._close_socket()
            raise errors.PermissionDenied(f"{url}: {e}", not_started=True) from e
        except pynng.NNGException as e:
            self._close_socket()
            raise errors.Unavailable(f"{url}: {e}", not_started=True) from e
        threading.Thread(target=self._read, name="cleat-read", daemon=True).start()
        self._await_hello(url, timeout)

    def _await_hello(self, url: str, timeout: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.ready or self.lost, timeout)
            if self.ready:
                return
            lost = self.lost or errors.Unavailable(f"{url}: no hello from the server")
            lost.not_started = True  # without a hello no call can have begun
        self.close()
        raise lost

    @property
    def usable(self) -> bool:
        """New calls may be opened."""
        return self.ready and self.lost is None and self.going is None

    def open(self, method: str, options: dict, first: bytes | None, end: bool) -> Call:
        """Opens a call; a first message that fits into the window travels with it."""
        timeout = options.get("timeout")
        opening = Open(method=method, timeout_ms=max(1, round(timeout * 1000)) if timeout else 0,
                       request_key=options.get("request_key", ""), trace=options.get("trace", ""),
                       window=WINDOW)
        opening.meta = [Meta(key=k, value=v.encode() if isinstance(v, str) else v)
                        for k, v in options.get("metadata", {}).items()]
        with self.changed:
            if not self.usable:
                raise errors.Unavailable("the connection is closing", not_started=True)
            self.last += 1
            call = Call(self, self.last, time.monotonic() + timeout if timeout else None)
            whole = first is not None and len(first) <= min(call.window, WINDOW)
            frame = Frame(call=call.number, kind=Kind.OPEN, open=opening)
            if whole:
                frame.data, frame.has_data, frame.end = first, True, end
                call.window -= len(first)
                call.half_closed = end
            self.calls[call.number] = call
            # under the lock, so that calls reach the wire in the order of their numbers
            self._send(frame, not_started=True)
        if first is not None and not whole:
            call.send(first)
            if end:
                call.end()
        return call

    def cancel(self, call: Call) -> None:
        """Ends a call on this side; the server is told, unless it has ended already."""
        with self.changed:
            known = self.calls.pop(call.number, None)
            if call.ended is False:
                call.ended = errors.Cancelled("the call was cancelled")
            self.changed.notify_all()
        if known and not self.lost:
            try:
                self.send(Frame(call=call.number, kind=Kind.CANCEL))
            except errors.Error:
                pass  # the connection is gone, and the call with it
        self._close_if_done()

    def send(self, frame: Frame) -> None:
        self._send(frame, not_started=False)

    def _send(self, frame: Frame, not_started: bool) -> None:
        try:
            self.socket.send(frame.encode())
        except pynng.NNGException as e:
            raise self.lost or errors.Unavailable(f"the connection is lost: {e}",
                                                  not_started=not_started) from e

    def close(self) -> None:
        self._fail(errors.Unavailable("the connection was closed"))
        self._close_socket()

    def _close_socket(self) -> None:
        with self.changed:
            closed, self.closed = self.closed, True
        if not closed:
            # nng may never come back from it when the peer goes in the same moment (a pipe's end waits for a task that
            # nobody dispatches): then it costs a thread, not its caller
            closing = threading.Thread(target=self.socket.close, name="cleat-close", daemon=True)
            closing.start()
            closing.join(CLOSE_TIMEOUT)

    def _pipe_removed(self, _pipe: pynng.Pipe) -> None:
        # nng's thread: closing here would wait for this very callback
        threading.Thread(target=self.close, name="cleat-close", daemon=True).start()

    def _fail(self, error: errors.Error) -> None:
        with self.changed:
            self.lost = self.lost or error
            for call in self.calls.values():
                call.ended = self.lost
            self.calls.clear()
            self.changed.notify_all()

    def _close_if_done(self) -> None:
        if self.going is not None and not self.calls:
            self.close()

    def _read(self) -> None:
        try:
            while True:
                self._handle(Frame.decode(self.socket.recv()))
        except pynng.NNGException as e:
            self._fail(errors.Unavailable(f"the connection is lost: {e}"))
        except (codec.DecodeError, errors.Error) as e:
            self._fail(errors.Internal(f"the server sent a damaged frame: {e}"))
        self._close_socket()

    def _handle(self, frame: Frame) -> None:
        if frame.kind == Kind.HELLO and frame.hello:
            self._hello(frame.hello)
        elif frame.kind == Kind.PING:
            self.send(Frame(kind=Kind.PONG, token=frame.token))
        elif frame.kind == Kind.GOAWAY:
            self._goaway(frame)
        elif frame.call:
            self._deliver(frame)

    def _hello(self, hello: Hello) -> None:
        if not hello.version_min <= VERSION <= hello.version_max:
            self._fail(errors.Unimplemented(f"the server speaks versions {hello.version_min} to "
                                            f"{hello.version_max}, not {VERSION}", not_started=True))
            return
        self.peer = hello
        self.send(Frame(kind=Kind.HELLO, hello=Hello(
            version_min=VERSION, version_max=VERSION, agent="cleat-python/0.1.0", nonce=hello.nonce,
            max_frame=MAX_FRAME, window=WINDOW)))
        with self.changed:
            self.ready = True
            self.changed.notify_all()

    def _goaway(self, frame: Frame) -> None:
        with self.changed:
            self.going = frame.token
            refused = errors.Unavailable("the server is going away", not_started=True)
            for number in [n for n in self.calls if n > frame.token]:
                self.calls.pop(number).ended = refused
            self.changed.notify_all()
        self._close_if_done()

    def _deliver(self, frame: Frame) -> None:
        with self.changed:
            call = self.calls.get(frame.call)
            if call is None:
                return
            call.take(frame)
            if len(call.parts) > MAX_MESSAGE:
                raise errors.Internal("a message is too large")
            credit = call.gathering_credit()
            if frame.kind == Kind.STATUS:
                del self.calls[frame.call]
            self.changed.notify_all()
        if credit:
            self.send(Frame(call=frame.call, kind=Kind.CREDIT, credit=credit))
        if frame.kind == Kind.STATUS:
            self._close_if_done()
