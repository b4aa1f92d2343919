# generated, do not edit: from cleat/v1/options.proto

from __future__ import annotations

import enum

from cleat import codec  # noqa: F401


class Role(enum.IntEnum):
    """Who may call a method. Each role may do what the ones before it may."""
    # treated as ADMIN
    ROLE_UNSPECIFIED = 0
    # list, inspect, logs, events
    ROLE_VIEWER = 1
    # life cycle of existing containers
    ROLE_OPERATOR = 2
    # everything
    ROLE_ADMIN = 3


__all__ = [
    "Role",
]
