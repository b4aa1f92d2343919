# SPDX-License-Identifier: Apache-2.0
"""The wire format, against bytes that protoc itself encodes."""

import pathlib
import subprocess

import pytest
from small import Purpose, Text, Text_Inner, Text_Inner_Level

from cleat.codec import DecodeError

root = pathlib.Path(__file__).resolve().parents[3]
CASES = [
    ("", Text()),
    ('text: "h\\303\\251" purpose: PURPOSE_GREETING', Text(text="hé", purpose=Purpose.PURPOSE_GREETING)),
    ("deltas: [-1, 0, 2147483647, -2147483648]", Text(deltas=[-1, 0, 2147483647, -2147483648])),
    ('words: "" words: "a"', Text(words=["", "a"])),
    ('counts { key: "a" value: -5 }', Text(counts={"a": -5})),
    ('inners { key: -7 value { name: "n" level: LEVEL_HIGH } }',
     Text(inners={-7: Text_Inner(name="n", level=Text_Inner_Level.LEVEL_HIGH)})),
    ("zero_too: 0", Text(zero_too=0)),
    ('raw: "\\000\\377"', Text(raw=b"\x00\xff")),
    ("inner { }", Text(inner=Text_Inner())),
    ("ratio: -0.25 stamp: 18446744073709551615 from: true", Text(ratio=-0.25, stamp=2**64 - 1, from_=True)),
]


def protoc(verb, data):
    return subprocess.run(["protoc", f"-I{root}/gen/vectors", f"-I{root}/api/proto",
                           f"--{verb}=cleat.test.v1.Text", "small.proto"], input=data,
                          capture_output=True, check=True).stdout


@pytest.mark.parametrize("text, message", CASES)
def test_both_ways(text, message):
    encoded = protoc("encode", text.encode())
    assert Text.decode(encoded) == message
    assert protoc("decode", message.encode()) == protoc("decode", encoded)


def test_unknown_fields_and_enum_values_are_taken():
    assert Text.decode(b"\xf8\x07\x01\x10\x63") == Text(purpose=99)


def test_last_member_of_a_oneof_counts():
    assert Text.decode(Text(raw=b"x").encode() + Text(zero_too=3).encode()) == Text(zero_too=3)
    with pytest.raises(ValueError):
        Text(raw=b"", zero_too=1).encode()


@pytest.mark.parametrize("data", [
    b"\x0a", b"\x0a\x05ab", b"\x0a\x02\xff\xfe", b"\x08\x01", b"\x0b", b"\xff" * 11, b"\x59\x00",
    b"\x42\x02\x0a\x09", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
])
def test_damaged_bytes_are_refused(data):
    with pytest.raises(DecodeError):
        Text.decode(data)
