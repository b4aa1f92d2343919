# SPDX-License-Identifier: Apache-2.0
"""Network namespaces of the tests' own, so that no test touches the host's interfaces and rules."""
import concurrent.futures
import contextlib
import ctypes
import itertools
import os
import pathlib
import re
import subprocess

_NUMBERS = itertools.count()


def run(*command, check=True, **kw):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=False, **kw)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def call_inside(path, function):
    """What the function returns, or raises, in a thread that has entered the network namespace of that path: sockets that
    it makes stay there."""
    def call():
        with open(path, "rb") as namespace:
            assert ctypes.CDLL(None).setns(namespace.fileno(), 0x40000000) == 0
        return function()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


@contextlib.contextmanager
def server(where, address, port, text, udp=False):
    """A process that says `text` to whoever connects; `where` is a command prefix that enters a namespace. Its pid."""
    code = ("import socket,sys\n"
            "address,port,text,udp=sys.argv[1],int(sys.argv[2]),sys.argv[3].encode(),sys.argv[4]=='True'\n"
            "s=socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET,socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)\n"
            "s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n"
            "s.bind((address,port))\n"
            "udp or s.listen(9)\n"
            "print('ready',flush=True)\n"
            "while True:\n"
            "    if udp:\n"
            "        _,peer=s.recvfrom(99)\n"
            "        s.sendto(text,peer)\n"
            "    else:\n"
            "        c,_=s.accept()\n"
            "        c.sendall(text)\n"
            "        c.close()\n")
    with subprocess.Popen([*where, "python3", "-c", code, address, str(port), text, str(udp)],
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process.pid
        finally:
            process.kill()


class Netns:
    """One with nothing but loopback in it; a context manager."""

    def __init__(self):
        self.name = f"cleat-{os.getpid()}-{next(_NUMBERS)}"

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        run("ip", "netns", "del", self.name)

    def ip(self, *arguments, **kw):
        return run("ip", "-n", self.name, *arguments, **kw).stdout

    def inside(self, *command):
        """The command as it runs inside, with the host's file systems."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *map(str, command)]

    def run(self, *command, **kw):
        return run(*self.inside(*command), **kw)

    def links(self):
        """Names of the interfaces, without loopback."""
        return [line.split(":")[1].strip().split("@")[0] for line in self.ip("-o", "link").splitlines()
                if ": lo:" not in line]

    def cable(self, other, subnet):
        """Joins two namespaces by a veth pair: .1 here, .2 there. Returns both addresses."""
        name = f"w{next(_NUMBERS)}"
        self.ip("link", "add", name, "type", "veth", "peer", "name", name, "netns", other.name)
        for side, number in ((self, 1), (other, 2)):
            side.ip("address", "add", f"{subnet}.{number}/24", "dev", name)
            side.ip("link", "set", name, "up")
        return f"{subnet}.1", f"{subnet}.2"

    def fetch(self, address, port, patience_s=30):
        """What a server there says to a connection from here; None when there is no connection."""
        code = ("import socket,sys\n"
                "s=socket.create_connection((sys.argv[1],int(sys.argv[2])),int(sys.argv[3]))\n"
                "s.settimeout(50)\n"
                "data=b''\n"
                "while True:\n"
                "    part=s.recv(4096)\n"
                "    if not part: break\n"
                "    data+=part\n"
                "print(data.decode().strip())")
        done = self.run("python3", "-c", code, address, port, patience_s, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def gets_nowhere(self, address, port):
        return self.fetch(address, port, 2) is None

    def ruleset(self):
        """Table by table, in the order of their names."""
        return "".join(sorted(re.split("^(?=table )", self.run("nft", "list", "ruleset").stdout, flags=re.M)))


def nat_tables():
    """What must be the same before and after a test: the host's rules and interfaces."""
    links = pathlib.Path("/sys/class/net")
    return sorted(p.name for p in links.iterdir()), run("nft", "list", "tables", check=False).stdout
