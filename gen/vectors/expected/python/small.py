# generated, do not edit: from small.proto

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Unpack

from cleat import codec, transport  # noqa: F401


class Purpose(enum.IntEnum):
    """What a Text is for."""
    PURPOSE_UNSPECIFIED = 0
    # said first
    PURPOSE_GREETING = 1


class Text_Inner_Level(enum.IntEnum):
    LEVEL_NONE = 0
    LEVEL_HIGH = -1


@dataclass
class Text(codec.Message):
    """A line of text and all kinds of fields."""
    # A comment that ends in */ must not end the C comment.
    text: str = ""
    purpose: Purpose | int = 0
    counts: dict[str, int] = field(default_factory=dict)
    inners: dict[int, Text_Inner] = field(default_factory=dict)
    deltas: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    raw: bytes | None = None
    inner: Text_Inner | None = None
    # has presence
    zero_too: int | None = None
    ratio: float = 0.0
    stamp: int = 0
    # reserved in Python
    from_: bool = False


Text.FIELDS = (
    (1, "text", "one", "string", None),
    (2, "purpose", "one", "enum", lambda: Purpose),
    (3, "counts", "map", "message", (("string", None), ("int64", None))),
    (4, "inners", "map", "message", (("int32", None), ("message", lambda: Text_Inner))),
    (5, "deltas", "many", "sint32", None),
    (6, "words", "many", "string", None),
    (7, "raw", "oneof body", "bytes", None),
    (8, "inner", "oneof body", "message", lambda: Text_Inner),
    (9, "zero_too", "oneof body", "uint32", None),
    (10, "ratio", "one", "double", None),
    (11, "stamp", "one", "fixed64", None),
    (12, "from_", "one", "bool", None),
)


@dataclass
class Text_Inner(codec.Message):
    name: str = ""
    level: Text_Inner_Level | int = 0


Text_Inner.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "level", "one", "enum", lambda: Text_Inner_Level),
)


@dataclass
class Number(codec.Message):
    value: int = 0


Number.FIELDS = (
    (1, "value", "one", "uint32", None),
)


@dataclass
class None_(codec.Message):
    pass


class Another:

    METHODS = {
        "Nothing": transport.Method("cleat.test.v1.Another/Nothing", lambda: None_,
            role=0, idempotent=False, no_side_effects=False),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def nothing(self, request: None_, **options: Unpack[transport.Options]) -> None_:
        return self._client.unary(self.METHODS["Nothing"], request, options)


class Echo:
    """Echoes."""

    METHODS = {
        "Once": transport.Method("cleat.test.v1.Echo/Once", lambda: Text,
            role=1, idempotent=True, no_side_effects=True),
        "Fail": transport.Method("cleat.test.v1.Echo/Fail", lambda: None_,
            role=3, idempotent=True, no_side_effects=False),
        "CountUp": transport.Method("cleat.test.v1.Echo/CountUp", lambda: Number,
            role=0, idempotent=False, no_side_effects=False),
        "Sum": transport.Method("cleat.test.v1.Echo/Sum", lambda: Number,
            role=2, idempotent=False, no_side_effects=False),
        "Import": transport.Method("cleat.test.v1.Echo/Import", lambda: Text,
            role=0, idempotent=False, no_side_effects=False),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def once(self, request: Text, **options: Unpack[transport.Options]) -> Text:
        """Returns what it got."""
        return self._client.unary(self.METHODS["Once"], request, options)

    def fail(self, request: Number, **options: Unpack[transport.Options]) -> None_:
        """Fails with the code `value`."""
        return self._client.unary(self.METHODS["Fail"], request, options)

    def count_up(self, request: Number, **options: Unpack[transport.Options]) -> transport.Receiver[Number]:
        """Counts up to `value`."""
        return self._client.server_stream(self.METHODS["CountUp"], request, options)

    def sum(self, **options: Unpack[transport.Options]) -> transport.Sender[Number, Number]:
        """Adds up."""
        return self._client.client_stream(self.METHODS["Sum"], options)

    def import_(self, **options: Unpack[transport.Options]) -> transport.Bidi[Text, Text]:
        """Sends each message back."""
        return self._client.bidi(self.METHODS["Import"], options)


__all__ = [
    "Purpose",
    "Text_Inner_Level",
    "Text",
    "Text_Inner",
    "Number",
    "None_",
    "Another",
    "Echo",
]
