# generated, do not edit: from cleat/v1/common.proto

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from cleat import codec  # noqa: F401


class OutputStream(enum.IntEnum):
    """Which output a piece of data belongs to."""
    OUTPUT_STREAM_UNSPECIFIED = 0
    # also the terminal's output
    OUTPUT_STREAM_STDOUT = 1
    OUTPUT_STREAM_STDERR = 2


@dataclass
class Filter(codec.Message):
    """One condition of a list: the key must equal one of the values. Keys and their meaning are Docker's
    (docs: `docker ps --filter`). An unknown key is INVALID_ARGUMENT."""
    key: str = ""
    values: list[str] = field(default_factory=list)


Filter.FIELDS = (
    (1, "key", "one", "string", None),
    (2, "values", "many", "string", None),
)


@dataclass
class TerminalSize(codec.Message):
    """Names a kernel terminal's size (ioctl_tty(2), TIOCSWINSZ), in characters."""
    rows: int = 0
    columns: int = 0


TerminalSize.FIELDS = (
    (1, "rows", "one", "uint32", None),
    (2, "columns", "one", "uint32", None),
)


@dataclass
class Progress(codec.Message):
    """A step of a long operation. A step of the same id replaces the one before it."""
    # layer or step: short digest, "3/10"; empty = the operation as a whole
    id: str = ""
    # "Extracting", "Pull complete", "Loaded image: busybox:latest"
    status: str = ""
    current_bytes: int = 0
    # 0 = unknown
    total_bytes: int = 0


Progress.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "status", "one", "string", None),
    (3, "current_bytes", "one", "uint64", None),
    (4, "total_bytes", "one", "uint64", None),
)


@dataclass
class Chunk(codec.Message):
    """A bundle of bytes of a streamed file: tar archives, build contexts."""
    data: bytes = b""


Chunk.FIELDS = (
    (1, "data", "one", "bytes", None),
)


@dataclass
class RegistryAuth(codec.Message):
    """Credentials for one registry, as `login` stores them."""
    # host[:port]; empty = Docker Hub
    server: str = ""
    username: str = ""
    password: str = ""
    # instead of a password
    identity_token: str = ""
    # bearer token used as it is
    registry_token: str = ""


RegistryAuth.FIELDS = (
    (1, "server", "one", "string", None),
    (2, "username", "one", "string", None),
    (3, "password", "one", "string", None),
    (4, "identity_token", "one", "string", None),
    (5, "registry_token", "one", "string", None),
)


@dataclass
class Platform(codec.Message):
    """operating system, architecture and variant as the OCI image index has them."""
    os: str = ""
    architecture: str = ""
    variant: str = ""


Platform.FIELDS = (
    (1, "os", "one", "string", None),
    (2, "architecture", "one", "string", None),
    (3, "variant", "one", "string", None),
)


__all__ = [
    "OutputStream",
    "Filter",
    "TerminalSize",
    "Progress",
    "Chunk",
    "RegistryAuth",
    "Platform",
]
