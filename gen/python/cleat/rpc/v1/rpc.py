# generated, do not edit: from cleat/rpc/v1/rpc.proto

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from cleat import codec  # noqa: F401


class Kind(enum.IntEnum):
    """What a Frame is. The number of the field that carries its content is given with each."""
    KIND_NONE = 0
    # hello; the first frame each way, call 0
    HELLO = 1
    # open, and the first message in data; client to server
    OPEN = 2
    # data: one message or, with `more`, a part of one
    DATA = 3
    # status, and the last message in data; server to client; ends the call
    STATUS = 4
    # credit: bytes added to the receiver's sending window of this call
    CREDIT = 5
    # client to server: stop, free, answer STATUS CANCELLED
    CANCEL = 6
    # token; answered by PONG with the same token
    PING = 7
    PONG = 8
    # token: last call id accepted; status: why. No new calls on this connection
    GOAWAY = 9
    # meta: the server's leading metadata, before its first DATA
    HEADERS = 10


@dataclass
class Meta(codec.Message):
    # lower-case ASCII letters, digits, '-', '_', '.'
    key: str = ""
    value: bytes = b""


Meta.FIELDS = (
    (1, "key", "one", "string", None),
    (2, "value", "one", "bytes", None),
)


@dataclass
class Hello(codec.Message):
    """Opens a connection. The server sends its Hello with the SP hello; the client answers with
    version_min = version_max = the version chosen and the server's nonce."""
    version_min: int = 0
    version_max: int = 0
    # name/version, for logs
    agent: str = ""
    # 16 random bytes per server start; tells a restarted server from the old one
    instance: bytes = b""
    # 8 random bytes per connection; a client that does not echo it is closed
    nonce: bytes = b""
    # largest Frame in bytes this side accepts
    max_frame: int = 0
    # bytes of data per call and direction before CREDIT
    window: int = 0
    # open calls per connection
    max_calls: int = 0
    # silence after which this side pings; 0 = never (ipc)
    ping_ms: int = 0
    features: list[str] = field(default_factory=list)


Hello.FIELDS = (
    (1, "version_min", "one", "uint32", None),
    (2, "version_max", "one", "uint32", None),
    (3, "agent", "one", "string", None),
    (4, "instance", "one", "bytes", None),
    (5, "nonce", "one", "bytes", None),
    (6, "max_frame", "one", "uint32", None),
    (7, "window", "one", "uint32", None),
    (8, "max_calls", "one", "uint32", None),
    (9, "ping_ms", "one", "uint32", None),
    (10, "features", "many", "string", None),
)


@dataclass
class Open(codec.Message):
    # "cleat.v1.Containers/Create"
    method: str = ""
    # deadline relative to the arrival of the frame, 0 = none
    timeout_ms: int = 0
    # a mutating call repeated with the same key is executed once
    request_key: str = ""
    meta: list[Meta] = field(default_factory=list)
    # opaque id for logs
    trace: str = ""
    # window the client grants the server at the start, 0 = Hello's
    window: int = 0


Open.FIELDS = (
    (1, "method", "one", "string", None),
    (2, "timeout_ms", "one", "uint32", None),
    (3, "request_key", "one", "string", None),
    (4, "meta", "many", "message", lambda: Meta),
    (5, "trace", "one", "string", None),
    (6, "window", "one", "uint32", None),
)


@dataclass
class Status(codec.Message):
    # gRPC's codes 0-16
    code: int = 0
    # one sentence for people
    message: str = ""
    # stable word for programs: CONTAINER_NOT_FOUND
    reason: str = ""
    details: list[Meta] = field(default_factory=list)
    # nothing was executed: safe to repeat
    not_started: bool = False


Status.FIELDS = (
    (1, "code", "one", "uint32", None),
    (2, "message", "one", "string", None),
    (3, "reason", "one", "string", None),
    (4, "details", "many", "message", lambda: Meta),
    (5, "not_started", "one", "bool", None),
)


@dataclass
class Frame(codec.Message):
    # 0 = the connection; else chosen by the client, rising, never reused
    call: int = 0
    kind: Kind | int = 0
    hello: Hello | None = None
    open: Open | None = None
    status: Status | None = None
    # a message, or with `more` a part of one
    data: bytes = b""
    # an empty message is still a message
    has_data: bool = False
    # the message goes on in the next DATA of this call
    more: bool = False
    # the sender half-closes
    end: bool = False
    credit: int = 0
    token: int = 0
    meta: list[Meta] = field(default_factory=list)
    # channel of raw bytes; 0 for typed messages, which is all cleat.v1 uses
    stream: int = 0


Frame.FIELDS = (
    (1, "call", "one", "uint32", None),
    (2, "kind", "one", "enum", lambda: Kind),
    (3, "hello", "one", "message", lambda: Hello),
    (4, "open", "one", "message", lambda: Open),
    (5, "status", "one", "message", lambda: Status),
    (6, "data", "one", "bytes", None),
    (7, "has_data", "one", "bool", None),
    (8, "more", "one", "bool", None),
    (9, "end", "one", "bool", None),
    (10, "credit", "one", "uint32", None),
    (11, "token", "one", "uint64", None),
    (12, "meta", "many", "message", lambda: Meta),
    (13, "stream", "one", "uint32", None),
)


__all__ = [
    "Kind",
    "Meta",
    "Hello",
    "Open",
    "Status",
    "Frame",
]
