# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that harms what passes through it, for tests of what comes over networks."""
import socket
import threading
import time


class Proxy:
    """Forwards 127.0.0.1:port to a port of 127.0.0.1. What the server sends is
    - cut off after `cut` bytes of a connection, for the first `times` connections that get so far;
    - held for ever from `stall` bytes on, likewise;
    - changed in the byte at offset `corrupt` of a connection, likewise;
    - slowed to `rate` bytes a second.
    A context manager that ends all it has begun."""

    def __init__(self, port, cut=None, stall=None, corrupt=None, times=1 << 30, rate=None):
        self.target, self.cut, self.stall, self.corrupt, self.rate = port, cut, stall, corrupt, rate
        self.times, self.harmed, self.sent, self.connections = times, 0, 0, 0
        self.lock, self.sockets, self.closing = threading.Lock(), set(), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
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
                server = socket.create_connection(("127.0.0.1", self.target), 10)
            except OSError:
                if not self.closing and "client" in locals():
                    client.close()
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

    def pump(self, source, target, from_server):
        passed = 0
        try:
            while data := source.recv(16384):
                if from_server:
                    data = self.treat(data, passed)
                    passed += len(data)
                    self.sent += len(data)
                    if not data:
                        break
                target.sendall(data)
                if from_server and self.rate:
                    time.sleep(len(data) / self.rate)
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
