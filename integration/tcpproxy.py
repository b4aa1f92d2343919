# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that harms what passes through it, for tests of what comes over networks."""
import collections
import re
import socket
import struct
import threading
import time

REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH) [^ ?]*")


class Proxy:
    """Forwards 127.0.0.1:port to a port of 127.0.0.1. What the server sends is
    - cut off after `cut` bytes of a connection, for the first `times` connections that get so far;
    - held for ever from `stall` bytes on, likewise;
    - changed in the byte at offset `corrupt` of a connection, likewise;
    - slowed to `rate` bytes a second.
    What the client sends with a new connection is answered by a reset for the first `new_resets` connections, and each
    request of HTTP for the first `resets` times it is sent; `seen` counts the requests, `in_vain` the connections that
    were closed since nobody listened at the port.
    Listens at `address`. A context manager that ends all it has begun."""

    def __init__(self, port, cut=None, stall=None, corrupt=None, times=1 << 30, rate=None, resets=0, new_resets=0,
                 address="127.0.0.1"):
        self.target, self.cut, self.stall, self.corrupt, self.rate = port, cut, stall, corrupt, rate
        self.resets, self.new_resets, self.seen, self.address = resets, new_resets, collections.Counter(), address
        self.times, self.harmed, self.sent, self.connections, self.in_vain = times, 0, 0, 0, 0
        self.lock, self.sockets, self.closing = threading.Lock(), set(), False
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        self.host = f"{address}:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing = True
        self.listener.close()
        with self.lock:
            for s in self.sockets:
                self.shut(s)

    @staticmethod
    def shut(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def accept(self):
        while not self.closing:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection((self.address, self.target), 10)
            except OSError:
                if not self.closing and "client" in locals():
                    client.close()
                    self.in_vain += 1
                continue
            server.settimeout(None)
            with self.lock:
                self.sockets |= {client, server}
                self.connections += 1
            threading.Thread(target=self.pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, True), daemon=True).start()

    def harm(self):
        with self.lock:
            if self.harmed >= self.times:
                return False
            self.harmed += 1
            return True

    def is_reset(self, source, data, first):
        """Whether what the client sent ends its connection; that is closed then."""
        with self.lock:
            request = REQUEST.match(data)
            if request:
                self.seen[request.group()] += 1
            new = first and self.new_resets > 0
            self.new_resets -= new
        if new or (request and self.seen[request.group()] <= self.resets):
            source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            source.close()
            return True
        return False

    def pump(self, source, target, from_server):
        passed, received = 0, 0
        try:
            while data := source.recv(16384):
                if not from_server and self.is_reset(source, data, received == 0):
                    break
                received += len(data)
                if from_server:
                    data = self.treat(data, passed)
                    passed += len(data)
                    with self.lock:
                        self.sent += len(data)
                    if not data:
                        break
                target.sendall(data)
                rate = self.rate  # a test may set it to None meanwhile
                if from_server and rate:
                    time.sleep(len(data) / rate)
        except OSError:
            pass
        self.shut(source)
        self.shut(target)
        with self.lock:
            self.sockets -= {source}
        source.close()

    def treat(self, data, passed):
        end = passed + len(data)
        if self.cut is not None and end > self.cut and self.harm():
            return b""
        if self.stall is not None and end > self.stall and self.harm():
            while not self.closing:
                time.sleep(0.05)
        if self.corrupt is not None and passed <= self.corrupt < end and self.harm():
            at = self.corrupt - passed
            return data[:at] + bytes([data[at] ^ 0xff]) + data[at + 1:]
        return data
