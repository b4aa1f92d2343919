# SPDX-License-Identifier: Apache-2.0
"""Tars written field by field, also as no sane writer would, and random ones from a seed."""
import random

BLOCK = 512


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def octal(value, width):
    return b"%0*o" % (width - 1, value)


def base256(value, width):
    return ((1 << (8 * width - 1) | value) if value >= 0 else (1 << 8 * width) + value).to_bytes(width, "big")


def header(name, kind=b"0", size=0, **fields):
    """One header. Fields are bytes, or numbers that are written in octal: mode uid gid mtime link magic prefix major minor
    tail (bytes from 345 on, instead of the prefix), sum."""
    number = {"mode": (0o644, 100, 8), "uid": (0, 108, 8), "gid": (0, 116, 8), "size": (size, 124, 12),
              "mtime": (1700000000, 136, 12), "major": (0, 329, 8), "minor": (0, 337, 8)}
    block = bytearray(BLOCK)
    block[:len(name[:100])] = name[:100]
    for key, (default, at, width) in number.items():
        value = fields.get(key, default)
        value = value if isinstance(value, bytes) else octal(value, width)
        block[at:at + len(value)] = value
    magic = fields.get("magic", b"ustar\x0000")
    for at, value in ((156, kind), (157, fields.get("link", b"")), (257, magic),
                      (345, fields.get("tail", fields.get("prefix", b"")))):
        block[at:at + len(value)] = value
    block[148:156] = b"        "
    block[148:156] = fields.get("sum", b"%06o\0 " % sum(block))
    assert len(block) == BLOCK
    return bytes(block)


def entry(name, data=b"", kind=b"0", **fields):
    return header(name, kind, len(data), **fields) + padded(data)


def pax(records, kind=b"x"):
    body = b""
    for key, value in records:
        rest = b" " + key + b"=" + value + b"\n"
        size = len(rest) + 1
        while len(b"%d" % size) + len(rest) != size:
            size += 1
        body += b"%d" % size + rest
    return entry(b"pax", body, kind)


def gnu_name(name, kind=b"L"):
    return entry(b"././@LongLink", name + b"\0", kind, magic=b"ustar  \0")


# ---- files with holes: pieces are (offset, data)

def stored(pieces):
    return b"".join(data for _, data in pieces)


def numbers(pieces):
    return [n for at, data in pieces for n in (at, len(data))]


def sparse_old(name, size, pieces, **fields):
    def number(n):
        return octal(n, 12) + b"\0" if n < 8 ** 11 else base256(n, 12)
    rows = [number(at) + number(len(data)) for at, data in pieces]
    tail = b"".join(rows[:4]).ljust(96, b"\0")
    tail = bytes(41) + tail + bytes([len(rows) > 4]) + number(size)
    out = header(name, b"S", len(stored(pieces)), magic=b"ustar  \0", tail=tail, **fields)
    for first in range(4, len(rows), 21):
        block = b"".join(rows[first:first + 21]).ljust(504, b"\0")
        out += (block + bytes([len(rows) > first + 21])).ljust(BLOCK, b"\0")
    return out + padded(stored(pieces))


def sparse_pax(name, size, pieces, version, **fields):
    listed = numbers(pieces)
    key = b"GNU.sparse."
    body = stored(pieces)
    if version == "0.0":
        records = [(key + b"size", b"%d" % size), (key + b"numblocks", b"%d" % len(pieces))]
        records += [(key + (b"numbytes" if i % 2 else b"offset"), b"%d" % n) for i, n in enumerate(listed)]
        return pax(records) + entry(name, body, **fields)
    records = [(key + b"name", name), (key + b"major", version[:1].encode()), (key + b"minor", version[2:].encode())]
    if version == "0.1":
        records += [(key + b"size", b"%d" % size), (key + b"map", b",".join(b"%d" % n for n in listed))]
    else:
        records += [(key + b"realsize", b"%d" % size)]
        body = padded(b"\n".join(b"%d" % n for n in [len(pieces), *listed]) + b"\n") + body
    return pax(records) + entry(b"GNUSparseFile.0/x", body, **fields)


# ---- random ones

class Random:
    """The same seed gives the same tar. Names are few, so that entries meet."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def one_of(self, *choices):
        return self.r.choice(choices)

    def rarely(self, one_in=12):
        return self.r.randrange(one_in) == 0

    def name(self):
        parts = [self.one_of(b"a", b"b", b"c", b"d") for _ in range(self.r.randint(1, 3))]
        if self.rarely(10):
            parts[-1] = self.one_of(b".wh." + parts[-1], b".wh..wh..opq", b".wh..wh.plnk", b".wh.", b".wh..", b".wh...")
        if self.rarely(30):
            parts.insert(self.r.randint(0, len(parts)), self.one_of(b"..", b".", b"", b"caf\xc3\xa9", b"\xff\xfe", b"n" * 255))
        name = b"/".join(parts)
        if self.rarely(40):
            return self.one_of(b"", b".", b"/", b"./", b"//", b"..", b"n" * 256)
        return self.one_of(b"", b"", b"", b"./", b"/", b"//") + name

    def fields(self):
        out = {"mode": self.r.randrange(0o10000), "uid": self.one_of(0, 0, 7, 65534), "gid": self.one_of(0, 0, 8),
               "mtime": self.r.randrange(2 ** 31)}
        if self.rarely(8):
            out["magic"] = self.one_of(b"ustar  \0", b"", b"ustar\0\0\0", b"ustar 00")
        if self.rarely():
            key = self.one_of("uid", "gid", "mode")
            out[key] = self.one_of(base256(3_000_000, 8), base256(-1, 8), base256(2 ** 40, 8), base256(2 ** 32 - 1, 8),
                                   b"  644 \0 ", b"0000009\0", b"12345678", b"\0" * 8, b"-1      ")
        if self.rarely():
            out["mtime"] = self.one_of(base256(-5, 12), base256(2 ** 62, 12), base256(2 ** 35, 12), b"\0" * 12,
                                       b"77777777777 ", b"x" * 12, base256(2 ** 90, 12))
        return out

    def data(self):
        return self.r.randbytes(self.one_of(0, 1, 3, 511, 512, 513, 5000))

    def records(self):
        records = []
        if self.rarely(2):
            records.append((b"mtime", self.one_of(b"1700000000.5", b"5", b"0.000000001", b"-3.25", b"99999999999999", b"x",
                                                  b"1." + b"9" * 40)))
        if self.rarely(2):
            records.append((self.one_of(b"uid", b"gid"), self.one_of(b"5", b"4294967294", b"4294967295", b"-1", b"1e3", b"")))
        if self.rarely(2):
            records.append((b"SCHILY.xattr." + self.one_of(b"user.a", b"user.b", b"trusted.overlay.opaque", b"odd.name",
                                                           b"security.capability"), self.one_of(b"1", b"", b"x" * 100)))
        if self.rarely(3):
            records.append((b"path", self.one_of(self.name(), b"a/" * 100 + b"f", b"x\0y", b"")))
        if self.rarely(8):
            records.append((b"size", self.one_of(b"3", b"0", b"-1", b"99999999999999999999")))
        if self.rarely(8):
            records.append((b"comment", b"no matter"))
        return records

    def pieces(self):
        size = self.one_of(4096, 10000, 1 << 20, 3 << 30)
        pieces, at = [], 0
        while at < min(size, 60000) and len(pieces) < 30:
            at += self.r.randrange(8) * BLOCK
            n = self.r.randrange(1, 4) * BLOCK
            if at + n > size:
                break
            pieces.append((at, self.r.randbytes(n)))
            at += n
        if size == 10000 and self.rarely(2):
            pieces = [p for p in pieces if p[0] + len(p[1]) <= 9728] + [(9728, b"z" * 272)]
        if self.rarely(6):
            pieces.append((size, b""))
        if self.rarely(10):
            pieces.append(self.one_of((0, b"0" * BLOCK), (size - 3, b"x" * 9), (100, b"y" * 10)))
        return size, pieces

    def sparse(self):
        size, pieces = self.pieces()
        version = self.one_of("old", "0.0", "0.1", "1.0", "1.1")
        name = self.one_of(b"a/holes", b"b/holes", b"holes")
        if version == "old":
            return sparse_old(name, size, pieces)
        return sparse_pax(name, size, pieces, version)

    def one(self):
        kind = self.r.randrange(20)
        name, fields = self.name(), self.fields()
        before = b""
        if self.rarely(6):
            before = pax(self.records())
        elif self.rarely(20):
            before = gnu_name(self.one_of(name, b"l/" * 80 + b"f"))
        elif self.rarely(25):
            before = pax([(b"path", b"global")], b"g")
        if kind < 7:
            return before + entry(name, self.data(), self.one_of(b"0", b"0", b"\0", b"7"), **fields)
        if kind < 11:
            return before + entry(name + self.one_of(b"", b"/"), b"", b"5", **fields)
        if kind < 13:
            return before + entry(name, b"", b"2", link=self.one_of(b"a", b"/etc", b"../../x", b"b/c", b""), **fields)
        if kind < 15:
            return before + entry(name, b"", b"1", link=self.one_of(self.name(), b"a", b"b", b"a/b"), **fields)
        if kind < 16:
            return before + entry(name, b"", self.one_of(b"3", b"4", b"6"), major=self.one_of(0, 1, 4095, 4096),
                                  minor=self.one_of(0, 3, 1048575, 1048576), **fields)
        if kind < 18:
            return self.sparse()
        if kind < 19 and self.rarely(3):
            return entry(name, self.data(), self.one_of(b"Z", b"D", b"N", b"V", b"M", b"A", b"8", b"\xff"), **fields)
        fields["magic"] = b"ustar\x0000"  # the only form with a prefix, but for tarfile
        return before + entry(name, self.data(), prefix=self.one_of(b"", b"p", b"p/", b"/"), **fields)

    def tar(self):
        body = b"".join(self.one() for _ in range(self.r.randint(1, 9)))
        end = self.one_of(bytes(1024), bytes(1024), bytes(10240), b"", bytes(512), bytes(1024) + b"trailing garbage",
                          bytes(512) + b"x" * 512)
        out = body + end
        if self.rarely(15):
            out = out[:self.r.randrange(1, len(out))]
        if self.rarely(15):
            at = self.r.randrange(len(out))
            out = out[:at] + bytes([out[at] ^ 1 << self.r.randrange(8)]) + out[at + 1:]
        return out
