# SPDX-License-Identifier: Apache-2.0
"""The proto3 wire format, driven by the FIELDS tables of generated messages.

A field is (number, name, label, kind, type): label is "one" (absent when zero), "many", "map", or
"oneof NAME"; kind is proto's word for the type; type is a function that returns the class of an enum
or message, or for maps the pair of the key's and the value's (kind, type). Unknown fields are skipped;
enum values without a name stay integers.
"""

from __future__ import annotations

import struct
from typing import Any, Callable, ClassVar, Iterator, Self

VARINT, I64, LEN, I32 = 0, 1, 2, 5
_FIXED = {"fixed32": "<I", "sfixed32": "<i", "float": "<f",
          "fixed64": "<Q", "sfixed64": "<q", "double": "<d"}
_WIRE = {"string": LEN, "bytes": LEN, "message": LEN, "fixed32": I32, "sfixed32": I32, "float": I32,
         "fixed64": I64, "sfixed64": I64, "double": I64}
_MAX_DEPTH = 100


class DecodeError(ValueError):
    """The bytes are no message of this type."""


class Message:
    """Base of the generated dataclasses."""

    FIELDS: ClassVar[tuple[tuple, ...]] = ()

    def encode(self) -> bytes:
        """The message in wire format; ValueError when two members of a oneof are set."""
        out = bytearray()
        seen: set[str] = set()
        for number, name, label, kind, type_ in self.FIELDS:
            value = getattr(self, name)
            if label.startswith("oneof") and value is not None:
                if label in seen:
                    raise ValueError(f"{type(self).__name__}: more than one member of {label} is set")
                seen.add(label)
            _put_field(out, number, label, kind, type_, value)
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes, depth: int = 0) -> Self:
        """A message from wire format; DecodeError when the bytes are damaged."""
        if depth > _MAX_DEPTH:
            raise DecodeError("messages nested too deeply")
        message = cls()
        table = {f[0]: f for f in cls.FIELDS}
        for number, wire, raw in _scan(data):
            if number in table:
                _take_field(message, table[number], wire, raw, depth)
        return message

    def which(self, oneof: str) -> str | None:
        """The name of the member of `oneof` that is set."""
        for _, name, label, _, _ in self.FIELDS:
            if label == "oneof " + oneof and getattr(self, name) is not None:
                return name
        return None


def _put_varint(out: bytearray, value: int) -> None:
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _put_value(out: bytearray, number: int, kind: str, value: Any) -> None:
    wire = _WIRE.get(kind, VARINT)
    _put_varint(out, number << 3 | wire)
    if kind in _FIXED:
        out += struct.pack(_FIXED[kind], value)
    elif wire == LEN:
        data = (value.encode() if kind == "message" else
                value.encode("utf-8") if kind == "string" else bytes(value))
        _put_varint(out, len(data))
        out += data
    elif kind in ("sint32", "sint64"):
        _put_varint(out, value << 1 ^ value >> 63)
    else:
        _put_varint(out, int(value))


def _put_field(out: bytearray, number: int, label: str, kind: str, type_: Any, value: Any) -> None:
    if label == "map":
        (key_kind, _), (value_kind, _) = type_
        for key, item in value.items():
            entry = bytearray()
            _put_value(entry, 1, key_kind, key)
            _put_value(entry, 2, value_kind, item)
            _put_value(out, number, "bytes", entry)
    elif label == "many":
        for item in value:
            _put_value(out, number, kind, item)
    elif label == "one" and kind != "message":
        if value:
            _put_value(out, number, kind, value)
    elif value is not None:
        _put_value(out, number, kind, value)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7
    raise DecodeError("damaged integer")


def _scan(data: bytes) -> Iterator[tuple[int, int, Any]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, wire, value
            continue
        if wire == LEN:
            size, at = _varint(data, at)
        elif wire in (I64, I32):
            size = 8 if wire == I64 else 4
        else:
            raise DecodeError(f"wire type {wire}")
        if at + size > len(data):
            raise DecodeError("truncated message")
        yield key >> 3, wire, data[at:at + size]
        at += size


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def _from_varint(kind: str, type_: Callable[[], type] | None, value: int) -> Any:
    if kind == "bool":
        return value != 0
    if kind in ("sint32", "sint64"):
        return value >> 1 ^ -(value & 1)
    if kind == "uint64":
        return value
    if kind == "uint32":
        return value & 0xFFFFFFFF
    value = _signed(value, 64 if kind == "int64" else 32)
    if kind == "enum" and type_:
        try:
            return type_()(value)
        except ValueError:
            return value
    return value


def _value(kind: str, type_: Any, wire: int, raw: Any, depth: int) -> Any:
    if wire != _WIRE.get(kind, VARINT):
        raise DecodeError(f"wire type {wire} where a {kind} belongs")
    if kind in _FIXED:
        return struct.unpack(_FIXED[kind], raw)[0]
    if kind == "message":
        return type_().decode(raw, depth + 1)
    if kind == "string":
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as e:
            raise DecodeError("a string is not UTF-8") from e
    return raw if kind == "bytes" else _from_varint(kind, type_, raw)


def _packed(kind: str, type_: Any, raw: bytes) -> Iterator[Any]:
    at = 0
    while at < len(raw):
        if kind in _FIXED:
            size = struct.calcsize(_FIXED[kind])
            if at + size > len(raw):
                raise DecodeError("truncated list")
            yield struct.unpack_from(_FIXED[kind], raw, at)[0]
            at += size
        else:
            value, at = _varint(raw, at)
            yield _from_varint(kind, type_, value)


def zero(kind: str, type_: Any) -> Any:
    """The value of an absent field."""
    if kind == "message":
        return type_()()
    if kind in ("string", "bytes"):
        return "" if kind == "string" else b""
    return False if kind == "bool" else 0.0 if kind in ("float", "double") else 0


def _take_field(message: Message, field: tuple, wire: int, raw: Any, depth: int) -> None:
    _, name, label, kind, type_ = field
    if label == "map":
        if wire != LEN:
            raise DecodeError("a map entry is no message")
        pair = [zero(*type_[0]), zero(*type_[1])]
        for number, item_wire, item in _scan(raw):
            if number in (1, 2):
                pair[number - 1] = _value(*type_[number - 1], item_wire, item, depth + 1)
        getattr(message, name)[pair[0]] = pair[1]
    elif label == "many":
        if wire == LEN and _WIRE.get(kind, VARINT) != LEN:
            getattr(message, name).extend(_packed(kind, type_, raw))
        else:
            getattr(message, name).append(_value(kind, type_, wire, raw, depth))
    else:
        if label != "one":
            for _, other, other_label, _, _ in message.FIELDS:
                if other_label == label:
                    setattr(message, other, None)
        setattr(message, name, _value(kind, type_, wire, raw, depth))
