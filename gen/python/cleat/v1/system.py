# generated, do not edit: from cleat/v1/system.proto

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Unpack

import cleat.v1.common
import cleat.v1.containers
import cleat.v1.images
import cleat.v1.options
import cleat.v1.volumes
from cleat import codec, transport  # noqa: F401


@dataclass
class PingRequest(codec.Message):
    pass


@dataclass
class PingReply(codec.Message):
    # 16 random bytes per engine start
    instance: bytes = b""


PingReply.FIELDS = (
    (1, "instance", "one", "bytes", None),
)


@dataclass
class VersionRequest(codec.Message):
    pass


@dataclass
class VersionReply(codec.Message):
    version: str = ""
    git_commit: str = ""
    os: str = ""
    architecture: str = ""
    kernel: str = ""
    build_time: str = ""
    components: list[VersionReply_Component] = field(default_factory=list)


VersionReply.FIELDS = (
    (1, "version", "one", "string", None),
    (2, "git_commit", "one", "string", None),
    (3, "os", "one", "string", None),
    (4, "architecture", "one", "string", None),
    (5, "kernel", "one", "string", None),
    (6, "build_time", "one", "string", None),
    (7, "components", "many", "message", lambda: VersionReply_Component),
)


@dataclass
class VersionReply_Component(codec.Message):
    name: str = ""
    version: str = ""
    details: dict[str, str] = field(default_factory=dict)


VersionReply_Component.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "version", "one", "string", None),
    (3, "details", "map", "message", (("string", None), ("string", None))),
)


@dataclass
class InfoRequest(codec.Message):
    pass


@dataclass
class HostLimits(codec.Message):
    """What the kernel can limit now, by its control groups."""
    memory: bool = False
    swap: bool = False
    # whether the killing of processes for memory can be switched off
    oom_control: bool = False
    pids: bool = False
    cpu_shares: bool = False
    # period and quota
    cpu_cfs: bool = False
    cpuset: bool = False


HostLimits.FIELDS = (
    (1, "memory", "one", "bool", None),
    (2, "swap", "one", "bool", None),
    (3, "oom_control", "one", "bool", None),
    (4, "pids", "one", "bool", None),
    (5, "cpu_shares", "one", "bool", None),
    (6, "cpu_cfs", "one", "bool", None),
    (7, "cpuset", "one", "bool", None),
)


@dataclass
class InfoReply(codec.Message):
    id: str = ""
    # of the host
    name: str = ""
    version: str = ""
    containers: int = 0
    running: int = 0
    paused: int = 0
    stopped: int = 0
    images: int = 0
    layer_driver: str = ""
    layer_driver_status: dict[str, str] = field(default_factory=dict)
    state_dir: str = ""
    kernel: str = ""
    operating_system: str = ""
    architecture: str = ""
    cpus: int = 0
    memory_bytes: int = 0
    cgroup_driver: str = ""
    cgroup_version: int = 0
    # what confines containers that ask for nothing: "name=seccomp,profile=builtin"
    security_options: list[str] = field(default_factory=list)
    log_driver: str = ""
    log_drivers: list[str] = field(default_factory=list)
    runtime: str = ""
    runtimes: list[str] = field(default_factory=list)
    network_drivers: list[str] = field(default_factory=list)
    volume_drivers: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    time_ns: int = 0
    pid: int = 0
    started_ns: int = 0
    run_dir: str = ""
    limits: HostLimits | None = None
    # is on, or will be when a network needs it
    ipv4_forwarding: bool = False


InfoReply.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "name", "one", "string", None),
    (3, "version", "one", "string", None),
    (4, "containers", "one", "uint32", None),
    (5, "running", "one", "uint32", None),
    (6, "paused", "one", "uint32", None),
    (7, "stopped", "one", "uint32", None),
    (8, "images", "one", "uint32", None),
    (9, "layer_driver", "one", "string", None),
    (10, "layer_driver_status", "map", "message", (("string", None), ("string", None))),
    (11, "state_dir", "one", "string", None),
    (12, "kernel", "one", "string", None),
    (13, "operating_system", "one", "string", None),
    (14, "architecture", "one", "string", None),
    (15, "cpus", "one", "uint32", None),
    (16, "memory_bytes", "one", "uint64", None),
    (17, "cgroup_driver", "one", "string", None),
    (18, "cgroup_version", "one", "uint32", None),
    (19, "security_options", "many", "string", None),
    (20, "log_driver", "one", "string", None),
    (21, "log_drivers", "many", "string", None),
    (22, "runtime", "one", "string", None),
    (23, "runtimes", "many", "string", None),
    (24, "network_drivers", "many", "string", None),
    (25, "volume_drivers", "many", "string", None),
    (26, "warnings", "many", "string", None),
    (27, "labels", "many", "string", None),
    (28, "time_ns", "one", "int64", None),
    (29, "pid", "one", "int32", None),
    (30, "started_ns", "one", "int64", None),
    (31, "run_dir", "one", "string", None),
    (32, "limits", "one", "message", lambda: HostLimits),
    (33, "ipv4_forwarding", "one", "bool", None),
)


@dataclass
class EventsRequest(codec.Message):
    # 0 = from now
    since_ns: int = 0
    # 0 = never ends
    until_ns: int = 0
    # container image type event label network volume
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)
    # go on behind the event of this sequence
    resume_sequence: int | None = None


EventsRequest.FIELDS = (
    (1, "since_ns", "one", "int64", None),
    (2, "until_ns", "one", "int64", None),
    (3, "filters", "many", "message", lambda: cleat.v1.common.Filter),
    (4, "resume_sequence", "oneof resume", "uint64", None),
)


@dataclass
class Event(codec.Message):
    # rising, over restarts of the engine too
    sequence: int = 0
    time_ns: int = 0
    # container, image, network, volume, builder
    type: str = ""
    # create, start, die, …
    action: str = ""
    # Of an image its id; of a pull and a push the name; of a prune empty.
    actor_id: str = ""
    # image, name, exitCode, reclaimed, labels
    attributes: dict[str, str] = field(default_factory=dict)


Event.FIELDS = (
    (1, "sequence", "one", "uint64", None),
    (2, "time_ns", "one", "int64", None),
    (3, "type", "one", "string", None),
    (4, "action", "one", "string", None),
    (5, "actor_id", "one", "string", None),
    (6, "attributes", "map", "message", (("string", None), ("string", None))),
)


@dataclass
class DiskUsageRequest(codec.Message):
    # all false = all
    images: bool = False
    containers: bool = False
    volumes: bool = False
    build_cache: bool = False
    # also what the sums are of
    details: bool = False


DiskUsageRequest.FIELDS = (
    (1, "images", "one", "bool", None),
    (2, "containers", "one", "bool", None),
    (3, "volumes", "one", "bool", None),
    (4, "build_cache", "one", "bool", None),
    (5, "details", "one", "bool", None),
)


@dataclass
class DiskUsageReply(codec.Message):
    usages: list[DiskUsageReply_Usage] = field(default_factory=list)
    layers_bytes: int = 0
    # with details
    images: list[DiskUsageReply_ImageUsage] = field(default_factory=list)
    # with details and sizes
    containers: list[cleat.v1.containers.ContainerSummary] = field(default_factory=list)
    # with details
    caches: list[DiskUsageReply_CacheUsage] = field(default_factory=list)
    # with details and sizes
    volumes: list[cleat.v1.volumes.VolumeDetails] = field(default_factory=list)


DiskUsageReply.FIELDS = (
    (1, "usages", "many", "message", lambda: DiskUsageReply_Usage),
    (2, "layers_bytes", "one", "uint64", None),
    (3, "images", "many", "message", lambda: DiskUsageReply_ImageUsage),
    (4, "containers", "many", "message", lambda: cleat.v1.containers.ContainerSummary),
    (5, "caches", "many", "message", lambda: DiskUsageReply_CacheUsage),
    (6, "volumes", "many", "message", lambda: cleat.v1.volumes.VolumeDetails),
)


@dataclass
class DiskUsageReply_Usage(codec.Message):
    # images, containers, volumes, build cache
    type: str = ""
    total: int = 0
    active: int = 0
    size_bytes: int = 0
    reclaimable_bytes: int = 0


DiskUsageReply_Usage.FIELDS = (
    (1, "type", "one", "string", None),
    (2, "total", "one", "uint32", None),
    (3, "active", "one", "uint32", None),
    (4, "size_bytes", "one", "uint64", None),
    (5, "reclaimable_bytes", "one", "uint64", None),
)


@dataclass
class DiskUsageReply_ImageUsage(codec.Message):
    image: cleat.v1.images.ImageSummary | None = None
    # of layers that other images have too
    shared_bytes: int = 0
    unique_bytes: int = 0


DiskUsageReply_ImageUsage.FIELDS = (
    (1, "image", "one", "message", lambda: cleat.v1.images.ImageSummary),
    (2, "shared_bytes", "one", "uint64", None),
    (3, "unique_bytes", "one", "uint64", None),
)


@dataclass
class DiskUsageReply_CacheUsage(codec.Message):
    """What a step of earlier builds came to."""
    # digest of all that the step depended on
    id: str = ""
    description: str = ""
    # an image has its layer
    in_use: bool = False
    size_bytes: int = 0
    created_ns: int = 0
    last_used_ns: int = 0


DiskUsageReply_CacheUsage.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "description", "one", "string", None),
    (3, "in_use", "one", "bool", None),
    (4, "size_bytes", "one", "uint64", None),
    (5, "created_ns", "one", "int64", None),
    (6, "last_used_ns", "one", "int64", None),
)


@dataclass
class MetricsRequest(codec.Message):
    pass


@dataclass
class MetricsReply(codec.Message):
    calls: list[MetricsReply_Calls] = field(default_factory=list)
    latencies: list[MetricsReply_Latency] = field(default_factory=list)
    bounds_seconds: list[float] = field(default_factory=list)
    # by state: created, running, …
    containers: dict[str, int] = field(default_factory=dict)
    # of all layers, as unpacked
    layers_bytes: int = 0
    # of the logs of all containers
    logs_bytes: int = 0
    started_ns: int = 0


MetricsReply.FIELDS = (
    (1, "calls", "many", "message", lambda: MetricsReply_Calls),
    (2, "latencies", "many", "message", lambda: MetricsReply_Latency),
    (3, "bounds_seconds", "many", "double", None),
    (4, "containers", "map", "message", (("string", None), ("uint32", None))),
    (5, "layers_bytes", "one", "uint64", None),
    (6, "logs_bytes", "one", "uint64", None),
    (7, "started_ns", "one", "int64", None),
)


@dataclass
class MetricsReply_Calls(codec.Message):
    """Calls of one method that ended with one code."""
    # cleat.v1.Containers/List
    method: str = ""
    # OK, NOT_FOUND, …
    code: str = ""
    count: int = 0


MetricsReply_Calls.FIELDS = (
    (1, "method", "one", "string", None),
    (2, "code", "one", "string", None),
    (3, "count", "one", "uint64", None),
)


@dataclass
class MetricsReply_Latency(codec.Message):
    """How long the handlers of a unary method took."""
    method: str = ""
    count: int = 0
    sum_seconds: float = 0.0
    # calls that took at most bounds_seconds, one for each
    upto: list[int] = field(default_factory=list)


MetricsReply_Latency.FIELDS = (
    (1, "method", "one", "string", None),
    (2, "count", "one", "uint64", None),
    (3, "sum_seconds", "one", "double", None),
    (4, "upto", "many", "uint64", None),
)


@dataclass
class LoginRequest(codec.Message):
    auth: cleat.v1.common.RegistryAuth | None = None


LoginRequest.FIELDS = (
    (1, "auth", "one", "message", lambda: cleat.v1.common.RegistryAuth),
)


@dataclass
class LoginReply(codec.Message):
    status: str = ""
    identity_token: str = ""


LoginReply.FIELDS = (
    (1, "status", "one", "string", None),
    (2, "identity_token", "one", "string", None),
)


@dataclass
class UpgradeRequest(codec.Message):
    # absolute path on the engine's host
    binary: str = ""


UpgradeRequest.FIELDS = (
    (1, "binary", "one", "string", None),
)


@dataclass
class UpgradeReply(codec.Message):
    status: str = ""
    # of the new engine, in the last message
    pid: int = 0
    version: str = ""
    instance: bytes = b""


UpgradeReply.FIELDS = (
    (1, "status", "one", "string", None),
    (2, "pid", "one", "int32", None),
    (3, "version", "one", "string", None),
    (4, "instance", "one", "bytes", None),
)


@dataclass
class ShutdownRequest(codec.Message):
    containers: bool = False
    # for each container, 0 = its own
    timeout_seconds: int = 0


ShutdownRequest.FIELDS = (
    (1, "containers", "one", "bool", None),
    (2, "timeout_seconds", "one", "uint32", None),
)


@dataclass
class ShutdownReply(codec.Message):
    pass


class System:

    METHODS = {
        "Ping": transport.Method("cleat.v1.System/Ping", lambda: PingReply,
            role=1, idempotent=True, no_side_effects=True),
        "Version": transport.Method("cleat.v1.System/Version", lambda: VersionReply,
            role=1, idempotent=True, no_side_effects=True),
        "Info": transport.Method("cleat.v1.System/Info", lambda: InfoReply,
            role=1, idempotent=True, no_side_effects=True),
        "Events": transport.Method("cleat.v1.System/Events", lambda: Event,
            role=1, idempotent=True, no_side_effects=True),
        "DiskUsage": transport.Method("cleat.v1.System/DiskUsage", lambda: DiskUsageReply,
            role=1, idempotent=True, no_side_effects=True),
        "Metrics": transport.Method("cleat.v1.System/Metrics", lambda: MetricsReply,
            role=1, idempotent=True, no_side_effects=True),
        "Login": transport.Method("cleat.v1.System/Login", lambda: LoginReply,
            role=3, idempotent=False, no_side_effects=False),
        "Upgrade": transport.Method("cleat.v1.System/Upgrade", lambda: UpgradeReply,
            role=3, idempotent=False, no_side_effects=False),
        "Shutdown": transport.Method("cleat.v1.System/Shutdown", lambda: ShutdownReply,
            role=3, idempotent=False, no_side_effects=False),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def ping(self, request: PingRequest, **options: Unpack[transport.Options]) -> PingReply:
        return self._client.unary(self.METHODS["Ping"], request, options)

    def version(self, request: VersionRequest, **options: Unpack[transport.Options]) -> VersionReply:
        return self._client.unary(self.METHODS["Version"], request, options)

    def info(self, request: InfoRequest, **options: Unpack[transport.Options]) -> InfoReply:
        return self._client.unary(self.METHODS["Info"], request, options)

    def events(self, request: EventsRequest, **options: Unpack[transport.Options]) -> transport.Receiver[Event]:
        """What happened, and with no `until` what happens. A subscriber that falls behind is ended with
        OUT_OF_RANGE and goes on with resume_sequence."""
        return self._client.server_stream(self.METHODS["Events"], request, options)

    def disk_usage(self, request: DiskUsageRequest, **options: Unpack[transport.Options]) -> DiskUsageReply:
        return self._client.unary(self.METHODS["DiskUsage"], request, options)

    def metrics(self, request: MetricsRequest, **options: Unpack[transport.Options]) -> MetricsReply:
        """What an operator watches. Counts are of this engine since it started."""
        return self._client.unary(self.METHODS["Metrics"], request, options)

    def login(self, request: LoginRequest, **options: Unpack[transport.Options]) -> LoginReply:
        """Checks credentials against a registry."""
        return self._client.unary(self.METHODS["Login"], request, options)

    def upgrade(self, request: UpgradeRequest, **options: Unpack[transport.Options]) -> transport.Receiver[UpgradeReply]:
        """Starts `binary` as the new engine; it takes over the public socket while this one finishes its
        calls and ends. The last message comes when the new engine serves. Errors: NOT_FOUND and
        FAILED_PRECONDITION, reason UPGRADE_FAILED, with this engine serving on."""
        return self._client.server_stream(self.METHODS["Upgrade"], request, options)

    def shutdown(self, request: ShutdownRequest, **options: Unpack[transport.Options]) -> ShutdownReply:
        """Ends the engine; with `containers` all containers are stopped first."""
        return self._client.unary(self.METHODS["Shutdown"], request, options)


__all__ = [
    "PingRequest",
    "PingReply",
    "VersionRequest",
    "VersionReply",
    "VersionReply_Component",
    "InfoRequest",
    "HostLimits",
    "InfoReply",
    "EventsRequest",
    "Event",
    "DiskUsageRequest",
    "DiskUsageReply",
    "DiskUsageReply_Usage",
    "DiskUsageReply_ImageUsage",
    "DiskUsageReply_CacheUsage",
    "MetricsRequest",
    "MetricsReply",
    "MetricsReply_Calls",
    "MetricsReply_Latency",
    "LoginRequest",
    "LoginReply",
    "UpgradeRequest",
    "UpgradeReply",
    "ShutdownRequest",
    "ShutdownReply",
    "System",
]
