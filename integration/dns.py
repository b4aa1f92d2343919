# SPDX-License-Identifier: Apache-2.0
"""A client and a server of DNS (RFC 1035), enough to look at what a container's name server says. Both run in a network
namespace, as processes: ask() and server()."""
import contextlib
import ipaddress
import json
import select
import socket
import struct
import subprocess
import sys
import time

TYPES = {"A": 1, "PTR": 12, "AAAA": 28, "MX": 15}
CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP"}


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def decode_name(message, at):
    """The name there, and where it ends."""
    labels, end = [], None
    while message[at]:
        if message[at] >= 0xc0:
            end = end or at + 2
            at = (message[at] & 0x3f) << 8 | message[at + 1]
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), end or at + 1


def decode(message):
    _, flags, _, count = struct.unpack("!4H", message[:8])
    _, at = decode_name(message, 12)
    at += 4
    answers = []
    for _ in range(count):
        _, at = decode_name(message, at)
        kind, _, _, length = struct.unpack("!HHIH", message[at:at + 10])
        data = message[at + 10:at + 10 + length]
        answers.append(decode_name(message, at + 10)[0] if kind == TYPES["PTR"] else str(ipaddress.ip_address(data)))
        at += 10 + length
    return {"code": CODES[flags & 15], "answers": answers, "cut": bool(flags & 0x200)}


def exchange(question, server, tcp):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.connect((server, 53))
        if not tcp:
            s.send(question)
            return s.recv(65536)
        s.sendall(struct.pack("!H", len(question)) + question)
        stream = s.makefile("rb")
        return stream.read(struct.unpack("!H", stream.read(2))[0])


def ask(where, name, kind="A", tcp=False, server="127.0.0.11"):
    """What a server says to a client in a namespace; `where` is a command prefix that enters it."""
    done = subprocess.run([*where, sys.executable, __file__, "ask", name, kind, str(int(tcp)), server],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def reply(question, address, tcp):
    """To "silent..." nothing is said, "big..." has more addresses than fit in a datagram, "none..." is not known."""
    name, end = decode_name(question, 12)
    kind = struct.unpack("!H", question[end:end + 2])[0]
    count = 200 if name.startswith("big") else 1
    if name.startswith("silent"):
        return None
    if name.startswith("none") or kind != TYPES["A"]:
        return question[:2] + struct.pack("!5H", 0x8183 if name.startswith("none") else 0x8180, 1, 0, 0, 0) + question[12:end + 4]
    flags = 0x8180
    if count > 20 and not tcp:
        count, flags = 0, flags | 0x200
    record = struct.pack("!HHHIH", 0xc00c, 1, 1, 60, 4) + socket.inet_aton(address)
    return question[:2] + struct.pack("!5H", flags, 1, count, 0, 0) + question[12:end + 4] + record * count


def serve(at, address):
    family = socket.AF_INET6 if ":" in at else socket.AF_INET
    udp, tcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp.bind((at, 53))
    tcp.bind((at, 53))
    tcp.listen(9)
    print("ready", flush=True)
    while True:
        for s in select.select([udp, tcp], [], [])[0]:
            if s is udp:
                question, peer = udp.recvfrom(4096)
                answer = reply(question, address, False)
                if answer:
                    udp.sendto(answer, peer)
                continue
            client, _ = tcp.accept()
            with client, client.makefile("rb") as stream:
                answer = reply(stream.read(struct.unpack("!H", stream.read(2))[0]), address, True)
                if answer:
                    client.sendall(struct.pack("!H", len(answer)) + answer)


@contextlib.contextmanager
def server(where, at, address):
    """One that tells `address` for every name."""
    with subprocess.Popen([*where, sys.executable, __file__, "serve", at, address], stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


def query(name, kind):
    return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + encode_name(name) + struct.pack("!HH", TYPES[kind], 1)


def times(where, names):
    """Seconds that each name's look-up took, one after the other, of one client in a namespace. All have an address."""
    done = subprocess.run([*where, sys.executable, __file__, "times", *names], capture_output=True, text=True, timeout=60,
                          check=True)
    return json.loads(done.stdout)


def time_all(names):
    taken = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.connect(("127.0.0.11", 53))
        for name in names:
            asked, start = query(name, "A"), time.perf_counter()
            s.send(asked)
            message = s.recv(65536)
            taken.append(time.perf_counter() - start)
            assert len(decode(message)["answers"]) == 1, name
    return taken


def main():
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    elif sys.argv[1] == "times":
        print(json.dumps(time_all(sys.argv[2:])))
    else:
        print(json.dumps(decode(exchange(query(*sys.argv[2:4]), sys.argv[5], sys.argv[4] == "1"))))


if __name__ == "__main__":
    main()
