# generated, do not edit: from cleat/v1/networks.proto

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Unpack

import cleat.v1.common
import cleat.v1.config
import cleat.v1.containers
import cleat.v1.options
from cleat import codec, transport  # noqa: F401


@dataclass
class AddressPool(codec.Message):
    # CIDR
    subnet: str = ""
    # empty = the first address
    gateway: str = ""
    # addresses for containers; empty = the subnet
    ip_range: str = ""
    # name to reserved address
    auxiliary: dict[str, str] = field(default_factory=dict)


AddressPool.FIELDS = (
    (1, "subnet", "one", "string", None),
    (2, "gateway", "one", "string", None),
    (3, "ip_range", "one", "string", None),
    (4, "auxiliary", "map", "message", (("string", None), ("string", None))),
)


@dataclass
class CreateNetworkRequest(codec.Message):
    name: str = ""
    # "" = bridge
    driver: str = ""
    # empty = a free /24
    pools: list[AddressPool] = field(default_factory=list)
    ipv6: bool = False
    internal: bool = False
    # accepted, no meaning on one host
    attachable: bool = False
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


CreateNetworkRequest.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "driver", "one", "string", None),
    (3, "pools", "many", "message", lambda: AddressPool),
    (4, "ipv6", "one", "bool", None),
    (5, "internal", "one", "bool", None),
    (6, "attachable", "one", "bool", None),
    (7, "options", "map", "message", (("string", None), ("string", None))),
    (8, "labels", "map", "message", (("string", None), ("string", None))),
)


@dataclass
class CreateNetworkReply(codec.Message):
    id: str = ""
    warning: str = ""


CreateNetworkReply.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "warning", "one", "string", None),
)


@dataclass
class NetworkDetails(codec.Message):
    id: str = ""
    name: str = ""
    driver: str = ""
    created_ns: int = 0
    pools: list[AddressPool] = field(default_factory=list)
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    members: list[NetworkDetails_Member] = field(default_factory=list)
    scope: str = ""


NetworkDetails.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "name", "one", "string", None),
    (3, "driver", "one", "string", None),
    (4, "created_ns", "one", "int64", None),
    (5, "pools", "many", "message", lambda: AddressPool),
    (6, "ipv6", "one", "bool", None),
    (7, "internal", "one", "bool", None),
    (8, "attachable", "one", "bool", None),
    (9, "options", "map", "message", (("string", None), ("string", None))),
    (10, "labels", "map", "message", (("string", None), ("string", None))),
    (11, "members", "many", "message", lambda: NetworkDetails_Member),
    (12, "scope", "one", "string", None),
)


@dataclass
class NetworkDetails_Member(codec.Message):
    container_id: str = ""
    name: str = ""
    endpoint: cleat.v1.containers.EndpointStatus | None = None


NetworkDetails_Member.FIELDS = (
    (1, "container_id", "one", "string", None),
    (2, "name", "one", "string", None),
    (3, "endpoint", "one", "message", lambda: cleat.v1.containers.EndpointStatus),
)


@dataclass
class ListNetworksRequest(codec.Message):
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


ListNetworksRequest.FIELDS = (
    (1, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class ListNetworksReply(codec.Message):
    networks: list[NetworkDetails] = field(default_factory=list)


ListNetworksReply.FIELDS = (
    (1, "networks", "many", "message", lambda: NetworkDetails),
)


@dataclass
class InspectNetworkRequest(codec.Message):
    # id, prefix or name
    network: str = ""


InspectNetworkRequest.FIELDS = (
    (1, "network", "one", "string", None),
)


@dataclass
class RemoveNetworkRequest(codec.Message):
    network: str = ""


RemoveNetworkRequest.FIELDS = (
    (1, "network", "one", "string", None),
)


@dataclass
class RemoveNetworkReply(codec.Message):
    pass


@dataclass
class ConnectNetworkRequest(codec.Message):
    network: str = ""
    container: str = ""
    endpoint: cleat.v1.config.EndpointConfig | None = None


ConnectNetworkRequest.FIELDS = (
    (1, "network", "one", "string", None),
    (2, "container", "one", "string", None),
    (3, "endpoint", "one", "message", lambda: cleat.v1.config.EndpointConfig),
)


@dataclass
class ConnectNetworkReply(codec.Message):
    pass


@dataclass
class DisconnectNetworkRequest(codec.Message):
    network: str = ""
    container: str = ""
    force: bool = False


DisconnectNetworkRequest.FIELDS = (
    (1, "network", "one", "string", None),
    (2, "container", "one", "string", None),
    (3, "force", "one", "bool", None),
)


@dataclass
class DisconnectNetworkReply(codec.Message):
    pass


@dataclass
class PruneNetworksRequest(codec.Message):
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


PruneNetworksRequest.FIELDS = (
    (1, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class PruneNetworksReply(codec.Message):
    names: list[str] = field(default_factory=list)


PruneNetworksReply.FIELDS = (
    (1, "names", "many", "string", None),
)


class Networks:
    """Errors: NOT_FOUND, reason NETWORK_NOT_FOUND; ALREADY_EXISTS, reason NETWORK_EXISTS;
    FAILED_PRECONDITION, reason NETWORK_IN_USE."""

    METHODS = {
        "Create": transport.Method("cleat.v1.Networks/Create", lambda: CreateNetworkReply,
            role=3, idempotent=False, no_side_effects=False),
        "List": transport.Method("cleat.v1.Networks/List", lambda: ListNetworksReply,
            role=1, idempotent=True, no_side_effects=True),
        "Inspect": transport.Method("cleat.v1.Networks/Inspect", lambda: NetworkDetails,
            role=1, idempotent=True, no_side_effects=True),
        "Remove": transport.Method("cleat.v1.Networks/Remove", lambda: RemoveNetworkReply,
            role=3, idempotent=False, no_side_effects=False),
        "Connect": transport.Method("cleat.v1.Networks/Connect", lambda: ConnectNetworkReply,
            role=3, idempotent=False, no_side_effects=False),
        "Disconnect": transport.Method("cleat.v1.Networks/Disconnect", lambda: DisconnectNetworkReply,
            role=3, idempotent=False, no_side_effects=False),
        "Prune": transport.Method("cleat.v1.Networks/Prune", lambda: PruneNetworksReply,
            role=3, idempotent=False, no_side_effects=False),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def create(self, request: CreateNetworkRequest, **options: Unpack[transport.Options]) -> CreateNetworkReply:
        return self._client.unary(self.METHODS["Create"], request, options)

    def list(self, request: ListNetworksRequest, **options: Unpack[transport.Options]) -> ListNetworksReply:
        return self._client.unary(self.METHODS["List"], request, options)

    def inspect(self, request: InspectNetworkRequest, **options: Unpack[transport.Options]) -> NetworkDetails:
        return self._client.unary(self.METHODS["Inspect"], request, options)

    def remove(self, request: RemoveNetworkRequest, **options: Unpack[transport.Options]) -> RemoveNetworkReply:
        return self._client.unary(self.METHODS["Remove"], request, options)

    def connect(self, request: ConnectNetworkRequest, **options: Unpack[transport.Options]) -> ConnectNetworkReply:
        return self._client.unary(self.METHODS["Connect"], request, options)

    def disconnect(self, request: DisconnectNetworkRequest, **options: Unpack[transport.Options]) -> DisconnectNetworkReply:
        return self._client.unary(self.METHODS["Disconnect"], request, options)

    def prune(self, request: PruneNetworksRequest, **options: Unpack[transport.Options]) -> PruneNetworksReply:
        return self._client.unary(self.METHODS["Prune"], request, options)


__all__ = [
    "AddressPool",
    "CreateNetworkRequest",
    "CreateNetworkReply",
    "NetworkDetails",
    "NetworkDetails_Member",
    "ListNetworksRequest",
    "ListNetworksReply",
    "InspectNetworkRequest",
    "RemoveNetworkRequest",
    "RemoveNetworkReply",
    "ConnectNetworkRequest",
    "ConnectNetworkReply",
    "DisconnectNetworkRequest",
    "DisconnectNetworkReply",
    "PruneNetworksRequest",
    "PruneNetworksReply",
    "Networks",
]
