# SPDX-License-Identifier: Apache-2.0
"""A server of cleat.test.v1.Echo in Python, one client at a time, that misbehaves on demand.

It shares only the message codec with the client under test. It keeps to the client's windows and records
whatever the client does wrong in `faults`.
"""

from __future__ import annotations

import os
import threading

import pynng
from small import Number, Text

from cleat.rpc.v1 import Frame, Hello, Kind, Open, Status

WINDOW = 16 << 10


class Stream:
    def __init__(self, frame: Frame) -> None:
        self.method = frame.open.method
        self.open: Open = frame.open
        self.send_window = frame.open.window
        self.receive_window = WINDOW - len(frame.data)
        self.parts = bytearray()
        self.total = 0
        self.cancelled = False


class FakeServer:
    def __init__(self, url: str) -> None:
        self.url = url
        self.faults: list[str] = []
        self.pongs: list[int] = []
        self.opened: list[Open] = []
        self.instance = os.urandom(16)
        self.refuse_next = 0
        self.silent = False
        self.changed = threading.Condition()
        self.calls: dict[int, Stream] = {}
        self.socket = pynng.Pair0(recv_buffer_size=128, send_buffer_size=128, send_timeout=5000)
        self.socket.add_post_pipe_connect_cb(lambda _pipe: self._in_thread(self._greet))
        self.socket.listen(url)
        self._in_thread(self._read)

    @staticmethod
    def _in_thread(what, *args) -> None:
        threading.Thread(target=what, args=args, daemon=True).start()

    def close(self) -> None:
        self.socket.close()

    def send(self, **frame) -> None:
        try:
            self.socket.send(Frame(**frame).encode())
        except pynng.NNGException:
            pass

    def goaway(self, last: int) -> None:
        self.send(kind=Kind.GOAWAY, token=last)

    def _greet(self) -> None:
        self.nonce = os.urandom(8)
        self.greeted = False
        self.calls.clear()
        if not self.silent:
            self.send(kind=Kind.HELLO, hello=Hello(version_min=1, version_max=3, instance=self.instance,
                                                   nonce=self.nonce, window=WINDOW, max_frame=1 << 20))

    def _read(self) -> None:
        while True:
            try:
                frame = Frame.decode(self.socket.recv())
            except pynng.NNGException:
                return
            self._frame(frame)

    def _frame(self, frame: Frame) -> None:
        if not self.greeted:
            if frame.kind != Kind.HELLO or frame.hello.nonce != self.nonce or frame.hello.version_max != 1:
                self.faults.append(f"first frame {frame}")
            self.greeted = True
        elif frame.kind == Kind.PONG:
            self.pongs.append(frame.token)
        elif frame.kind == Kind.OPEN:
            self._open(frame)
        elif frame.call in self.calls:
            with self.changed:
                self._of_call(self.calls[frame.call], frame)
                self.changed.notify_all()

    def _open(self, frame: Frame) -> None:
        self.opened.append(frame.open)
        if self.refuse_next:
            self.refuse_next -= 1
            self.send(call=frame.call, kind=Kind.STATUS,
                      status=Status(code=14, message="busy", not_started=True))
            return
        self.calls[frame.call] = stream = Stream(frame)
        self._of_call(stream, frame)

    def _of_call(self, stream: Stream, frame: Frame) -> None:
        if frame.kind == Kind.CANCEL:
            stream.cancelled = True
        elif frame.kind == Kind.CREDIT:
            stream.send_window += frame.credit
        if frame.kind == Kind.DATA:
            stream.receive_window -= len(frame.data)
            if stream.receive_window < 0:
                self.faults.append("window overrun")
            if frame.data:
                stream.receive_window += len(frame.data)
                self.send(call=frame.call, kind=Kind.CREDIT, credit=len(frame.data))
        if frame.has_data:
            stream.parts += frame.data
            if not frame.more:
                self._message(frame.call, stream, bytes(stream.parts))
                stream.parts.clear()
        if frame.end and stream.method.endswith("/Sum"):
            self._status(frame.call, Number(value=stream.total).encode())
        elif frame.end and stream.method.endswith("/Import"):
            self._in_thread(self._status, frame.call)

    def _message(self, call: int, stream: Stream, data: bytes) -> None:
        name = stream.method.split("/")[1]
        if name == "Once":
            self._status(call, data)
        elif name == "Fail":
            self.send(call=call, kind=Kind.STATUS, status=Status(
                code=Number.decode(data).value, message="as asked", reason="ASKED"))
        elif name == "CountUp":
            self._in_thread(self._count, call, stream, Number.decode(data).value)
        elif name == "Sum":
            stream.total += Number.decode(data).value
        elif name == "Import":
            Text.decode(data)
            self.send(call=call, kind=Kind.DATA, data=data, has_data=True)

    def _count(self, call: int, stream: Stream, limit: int) -> None:
        for value in range(1, limit + 1):
            data = Number(value=value).encode()
            with self.changed:
                self.changed.wait_for(lambda: stream.send_window >= len(data) or stream.cancelled)
                stream.send_window -= len(data)
            if stream.cancelled:
                return
            self.send(call=call, kind=Kind.DATA, data=data, has_data=True)
        self._status(call)

    def _status(self, call: int, data: bytes | None = None) -> None:
        self.send(call=call, kind=Kind.STATUS, status=Status(), data=data or b"", has_data=data is not None)
