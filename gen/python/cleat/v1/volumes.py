# generated, do not edit: from cleat/v1/volumes.proto

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Unpack

import cleat.v1.common
import cleat.v1.options
from cleat import codec, transport  # noqa: F401


@dataclass
class CreateVolumeRequest(codec.Message):
    # empty = a random one
    name: str = ""
    # "" = local
    driver: str = ""
    # type, o, device
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


CreateVolumeRequest.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "driver", "one", "string", None),
    (3, "options", "map", "message", (("string", None), ("string", None))),
    (4, "labels", "map", "message", (("string", None), ("string", None))),
)


@dataclass
class VolumeDetails(codec.Message):
    name: str = ""
    driver: str = ""
    mount_point: str = ""
    created_ns: int = 0
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    anonymous: bool = False
    references: int = 0
    size_bytes: int = 0
    scope: str = ""


VolumeDetails.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "driver", "one", "string", None),
    (3, "mount_point", "one", "string", None),
    (4, "created_ns", "one", "int64", None),
    (5, "options", "map", "message", (("string", None), ("string", None))),
    (6, "labels", "map", "message", (("string", None), ("string", None))),
    (7, "anonymous", "one", "bool", None),
    (8, "references", "one", "uint32", None),
    (9, "size_bytes", "one", "uint64", None),
    (10, "scope", "one", "string", None),
)


@dataclass
class ListVolumesRequest(codec.Message):
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


ListVolumesRequest.FIELDS = (
    (1, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class ListVolumesReply(codec.Message):
    volumes: list[VolumeDetails] = field(default_factory=list)


ListVolumesReply.FIELDS = (
    (1, "volumes", "many", "message", lambda: VolumeDetails),
)


@dataclass
class InspectVolumeRequest(codec.Message):
    volume: str = ""


InspectVolumeRequest.FIELDS = (
    (1, "volume", "one", "string", None),
)


@dataclass
class RemoveVolumeRequest(codec.Message):
    volume: str = ""
    # absence is no error
    force: bool = False


RemoveVolumeRequest.FIELDS = (
    (1, "volume", "one", "string", None),
    (2, "force", "one", "bool", None),
)


@dataclass
class RemoveVolumeReply(codec.Message):
    pass


@dataclass
class PruneVolumesRequest(codec.Message):
    # also named ones
    all: bool = False
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


PruneVolumesRequest.FIELDS = (
    (1, "all", "one", "bool", None),
    (2, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class PruneVolumesReply(codec.Message):
    names: list[str] = field(default_factory=list)
    reclaimed_bytes: int = 0


PruneVolumesReply.FIELDS = (
    (1, "names", "many", "string", None),
    (2, "reclaimed_bytes", "one", "uint64", None),
)


class Volumes:
    """Errors: NOT_FOUND, reason VOLUME_NOT_FOUND; FAILED_PRECONDITION, reason VOLUME_IN_USE."""

    METHODS = {
        "Create": transport.Method("cleat.v1.Volumes/Create", lambda: VolumeDetails,
            role=3, idempotent=True, no_side_effects=False),
        "List": transport.Method("cleat.v1.Volumes/List", lambda: ListVolumesReply,
            role=1, idempotent=True, no_side_effects=True),
        "Inspect": transport.Method("cleat.v1.Volumes/Inspect", lambda: VolumeDetails,
            role=1, idempotent=True, no_side_effects=True),
        "Remove": transport.Method("cleat.v1.Volumes/Remove", lambda: RemoveVolumeReply,
            role=3, idempotent=False, no_side_effects=False),
        "Prune": transport.Method("cleat.v1.Volumes/Prune", lambda: PruneVolumesReply,
            role=3, idempotent=False, no_side_effects=False),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def create(self, request: CreateVolumeRequest, **options: Unpack[transport.Options]) -> VolumeDetails:
        """An existing volume of the same driver and options is success."""
        return self._client.unary(self.METHODS["Create"], request, options)

    def list(self, request: ListVolumesRequest, **options: Unpack[transport.Options]) -> ListVolumesReply:
        return self._client.unary(self.METHODS["List"], request, options)

    def inspect(self, request: InspectVolumeRequest, **options: Unpack[transport.Options]) -> VolumeDetails:
        return self._client.unary(self.METHODS["Inspect"], request, options)

    def remove(self, request: RemoveVolumeRequest, **options: Unpack[transport.Options]) -> RemoveVolumeReply:
        return self._client.unary(self.METHODS["Remove"], request, options)

    def prune(self, request: PruneVolumesRequest, **options: Unpack[transport.Options]) -> PruneVolumesReply:
        return self._client.unary(self.METHODS["Prune"], request, options)


__all__ = [
    "CreateVolumeRequest",
    "VolumeDetails",
    "ListVolumesRequest",
    "ListVolumesReply",
    "InspectVolumeRequest",
    "RemoveVolumeRequest",
    "RemoveVolumeReply",
    "PruneVolumesRequest",
    "PruneVolumesReply",
    "Volumes",
]
