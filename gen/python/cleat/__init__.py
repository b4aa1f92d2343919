# SPDX-License-Identifier: Apache-2.0
"""Client for the cleat container engine.

    from cleat import Client
    from cleat.v1 import Containers, ListContainersRequest

    with Client("ipc:///run/cleat/cleat.sock") as client:
        reply = Containers(client).list(ListContainersRequest(all=True))

Messages are dataclasses, streams are iterators, and a failed call raises a subclass of cleat.Error.
"""

from cleat.errors import *  # noqa: F401,F403
from cleat.errors import Error
from cleat.transport import Client

__all__ = ["Client", "Error"]
