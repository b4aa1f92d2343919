# generated, do not edit: from cleat/v1/containers.proto

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Unpack

import cleat.v1.common
import cleat.v1.config
import cleat.v1.options
from cleat import codec, transport  # noqa: F401


class ContainerState(enum.IntEnum):
    CONTAINER_STATE_UNSPECIFIED = 0
    CONTAINER_STATE_CREATED = 1
    CONTAINER_STATE_RUNNING = 2
    CONTAINER_STATE_PAUSED = 3
    # ended; the restart policy will start it again
    CONTAINER_STATE_RESTARTING = 4
    CONTAINER_STATE_REMOVING = 5
    CONTAINER_STATE_EXITED = 6
    # could not be removed completely
    CONTAINER_STATE_DEAD = 7


class WaitCondition(enum.IntEnum):
    # at once when it does not run
    WAIT_CONDITION_NOT_RUNNING = 0
    # the next exit, also of one that does not run yet
    WAIT_CONDITION_NEXT_EXIT = 1
    WAIT_CONDITION_REMOVED = 2


class HealthStatus(enum.IntEnum):
    HEALTH_STATUS_NONE = 0
    HEALTH_STATUS_STARTING = 1
    HEALTH_STATUS_HEALTHY = 2
    HEALTH_STATUS_UNHEALTHY = 3


class ChangeKind(enum.IntEnum):
    CHANGE_KIND_MODIFIED = 0
    CHANGE_KIND_ADDED = 1
    CHANGE_KIND_DELETED = 2


@dataclass
class CreateContainerRequest(codec.Message):
    # without '/'; empty = a random one
    name: str = ""
    config: cleat.v1.config.ContainerConfig | None = None
    platform: cleat.v1.common.Platform | None = None


CreateContainerRequest.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "config", "one", "message", lambda: cleat.v1.config.ContainerConfig),
    (3, "platform", "one", "message", lambda: cleat.v1.common.Platform),
)


@dataclass
class CreateContainerReply(codec.Message):
    id: str = ""
    warnings: list[str] = field(default_factory=list)


CreateContainerReply.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "warnings", "many", "string", None),
)


@dataclass
class StartContainerRequest(codec.Message):
    container: str = ""


StartContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
)


@dataclass
class StartContainerReply(codec.Message):
    already_running: bool = False


StartContainerReply.FIELDS = (
    (1, "already_running", "one", "bool", None),
)


@dataclass
class StopContainerRequest(codec.Message):
    container: str = ""
    # name or number; empty = the container's stop signal
    signal: str = ""
    # -1 = wait for ever; absent = the container's
    timeout_seconds: int | None = None


StopContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "signal", "one", "string", None),
    (3, "timeout_seconds", "oneof timeout", "int32", None),
)


@dataclass
class StopContainerReply(codec.Message):
    # it did not run
    was_stopped: bool = False


StopContainerReply.FIELDS = (
    (1, "was_stopped", "one", "bool", None),
)


@dataclass
class KillContainerRequest(codec.Message):
    container: str = ""
    # empty = KILL
    signal: str = ""


KillContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "signal", "one", "string", None),
)


@dataclass
class KillContainerReply(codec.Message):
    pass


@dataclass
class RestartContainerRequest(codec.Message):
    container: str = ""
    signal: str = ""
    timeout_seconds: int | None = None


RestartContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "signal", "one", "string", None),
    (3, "timeout_seconds", "oneof timeout", "int32", None),
)


@dataclass
class RestartContainerReply(codec.Message):
    pass


@dataclass
class PauseContainerRequest(codec.Message):
    container: str = ""


PauseContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
)


@dataclass
class PauseContainerReply(codec.Message):
    pass


@dataclass
class UnpauseContainerRequest(codec.Message):
    container: str = ""


UnpauseContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
)


@dataclass
class UnpauseContainerReply(codec.Message):
    pass


@dataclass
class WaitContainerRequest(codec.Message):
    container: str = ""
    condition: WaitCondition | int = 0
    exits: int | None = None


WaitContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "condition", "one", "enum", lambda: WaitCondition),
    (3, "exits", "oneof resume", "uint64", None),
)


@dataclass
class WaitContainerReply(codec.Message):
    # first message: the wait is in place
    armed: bool = False
    # last message: 128 + n for signal n
    exit_code: int = 0
    # why the container could not be waited for, if so
    error: str = ""
    # exits of the container so far
    exits: int = 0
    id: str = ""


WaitContainerReply.FIELDS = (
    (1, "armed", "one", "bool", None),
    (2, "exit_code", "one", "int32", None),
    (3, "error", "one", "string", None),
    (4, "exits", "one", "uint64", None),
    (5, "id", "one", "string", None),
)


@dataclass
class RemoveContainerRequest(codec.Message):
    container: str = ""
    # kills it first; absence is no error then
    force: bool = False
    # its anonymous volumes too
    remove_volumes: bool = False
    # `container` is /name/alias, and no container goes but what the first one knows another one by on the default network.
    link: bool = False


RemoveContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "force", "one", "bool", None),
    (3, "remove_volumes", "one", "bool", None),
    (4, "link", "one", "bool", None),
)


@dataclass
class RemoveContainerReply(codec.Message):
    pass


@dataclass
class RenameContainerRequest(codec.Message):
    container: str = ""
    name: str = ""


RenameContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "name", "one", "string", None),
)


@dataclass
class RenameContainerReply(codec.Message):
    pass


@dataclass
class ListContainersRequest(codec.Message):
    # also those that do not run
    all: bool = False
    # the newest n, of all states; 0 = no limit
    limit: int = 0
    # compute size_rw and size_root_fs
    size: bool = False
    # id name label exited status ancestor before since volume network publish expose health
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


ListContainersRequest.FIELDS = (
    (1, "all", "one", "bool", None),
    (2, "limit", "one", "uint32", None),
    (3, "size", "one", "bool", None),
    (4, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class ListContainersReply(codec.Message):
    # newest first
    containers: list[ContainerSummary] = field(default_factory=list)


ListContainersReply.FIELDS = (
    (1, "containers", "many", "message", lambda: ContainerSummary),
)


@dataclass
class ContainerSummary(codec.Message):
    id: str = ""
    # without '/'
    name: str = ""
    # as it was given at create
    image: str = ""
    # sha256:…
    image_id: str = ""
    # argv joined by blanks
    command: str = ""
    created_ns: int = 0
    state: ContainerState | int = 0
    # "Up 3 minutes (Paused)", "Exited (0) 2 hours ago"
    status: str = ""
    ports: list[PublishedPort] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    mounts: list[MountPoint] = field(default_factory=list)
    networks: list[EndpointStatus] = field(default_factory=list)
    size_rw_bytes: int = 0
    size_root_fs_bytes: int = 0
    network_mode: str = ""
    health: HealthStatus | int = 0


ContainerSummary.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "name", "one", "string", None),
    (3, "image", "one", "string", None),
    (4, "image_id", "one", "string", None),
    (5, "command", "one", "string", None),
    (6, "created_ns", "one", "int64", None),
    (7, "state", "one", "enum", lambda: ContainerState),
    (8, "status", "one", "string", None),
    (9, "ports", "many", "message", lambda: PublishedPort),
    (10, "labels", "map", "message", (("string", None), ("string", None))),
    (11, "mounts", "many", "message", lambda: MountPoint),
    (12, "networks", "many", "message", lambda: EndpointStatus),
    (13, "size_rw_bytes", "one", "uint64", None),
    (14, "size_root_fs_bytes", "one", "uint64", None),
    (15, "network_mode", "one", "string", None),
    (16, "health", "one", "enum", lambda: HealthStatus),
)


@dataclass
class PublishedPort(codec.Message):
    host_ip: str = ""
    # 0 = exposed only
    host_port: int = 0
    container_port: int = 0
    # tcp, udp, sctp
    protocol: str = ""


PublishedPort.FIELDS = (
    (1, "host_ip", "one", "string", None),
    (2, "host_port", "one", "uint32", None),
    (3, "container_port", "one", "uint32", None),
    (4, "protocol", "one", "string", None),
)


@dataclass
class MountPoint(codec.Message):
    # bind, volume, image
    type: str = ""
    # of the volume or the image
    name: str = ""
    # on the host; of an image its id
    source: str = ""
    # in the container
    destination: str = ""
    driver: str = ""
    mode: str = ""
    read_write: bool = False
    propagation: str = ""


MountPoint.FIELDS = (
    (1, "type", "one", "string", None),
    (2, "name", "one", "string", None),
    (3, "source", "one", "string", None),
    (4, "destination", "one", "string", None),
    (5, "driver", "one", "string", None),
    (6, "mode", "one", "string", None),
    (7, "read_write", "one", "bool", None),
    (8, "propagation", "one", "string", None),
)


@dataclass
class EndpointStatus(codec.Message):
    # name
    network: str = ""
    network_id: str = ""
    endpoint_id: str = ""
    gateway: str = ""
    ip_address: str = ""
    ip_prefix_len: int = 0
    ipv6_gateway: str = ""
    ipv6_address: str = ""
    ipv6_prefix_len: int = 0
    mac_address: str = ""
    aliases: list[str] = field(default_factory=list)
    # all that it is known by there: name, aliases, short id, host name
    dns_names: list[str] = field(default_factory=list)
    # target:alias, known to this container alone
    links: list[str] = field(default_factory=list)


EndpointStatus.FIELDS = (
    (1, "network", "one", "string", None),
    (2, "network_id", "one", "string", None),
    (3, "endpoint_id", "one", "string", None),
    (4, "gateway", "one", "string", None),
    (5, "ip_address", "one", "string", None),
    (6, "ip_prefix_len", "one", "uint32", None),
    (7, "ipv6_gateway", "one", "string", None),
    (8, "ipv6_address", "one", "string", None),
    (9, "ipv6_prefix_len", "one", "uint32", None),
    (10, "mac_address", "one", "string", None),
    (11, "aliases", "many", "string", None),
    (12, "dns_names", "many", "string", None),
    (13, "links", "many", "string", None),
)


@dataclass
class HealthProbe(codec.Message):
    start_ns: int = 0
    end_ns: int = 0
    exit_code: int = 0
    # at most 4096 bytes
    output: str = ""


HealthProbe.FIELDS = (
    (1, "start_ns", "one", "int64", None),
    (2, "end_ns", "one", "int64", None),
    (3, "exit_code", "one", "int32", None),
    (4, "output", "one", "string", None),
)


@dataclass
class InspectContainerRequest(codec.Message):
    container: str = ""
    size: bool = False


InspectContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "size", "one", "bool", None),
)


@dataclass
class InspectContainerReply(codec.Message):
    container: ContainerDetails | None = None


InspectContainerReply.FIELDS = (
    (1, "container", "one", "message", lambda: ContainerDetails),
)


@dataclass
class ContainerDetails(codec.Message):
    id: str = ""
    # without '/'
    name: str = ""
    created_ns: int = 0
    state: ContainerRuntimeState | None = None
    image_id: str = ""
    # with the image's defaults filled in
    config: cleat.v1.config.ContainerConfig | None = None
    # argv[0]
    path: str = ""
    # argv[1..]
    args: list[str] = field(default_factory=list)
    restart_count: int = 0
    # of json-file logs, else empty
    log_path: str = ""
    hostname_path: str = ""
    hosts_path: str = ""
    resolv_conf_path: str = ""
    # GraphDriver.Name
    layer_driver: str = ""
    mounts: list[MountPoint] = field(default_factory=list)
    networks: list[EndpointStatus] = field(default_factory=list)
    ports: list[PublishedPort] = field(default_factory=list)
    size_rw_bytes: int = 0
    size_root_fs_bytes: int = 0
    exec_ids: list[str] = field(default_factory=list)
    platform: str = ""
    # of its own user namespace; absent = it has the host's
    ids: IdRange | None = None


ContainerDetails.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "name", "one", "string", None),
    (3, "created_ns", "one", "int64", None),
    (4, "state", "one", "message", lambda: ContainerRuntimeState),
    (5, "image_id", "one", "string", None),
    (6, "config", "one", "message", lambda: cleat.v1.config.ContainerConfig),
    (7, "path", "one", "string", None),
    (8, "args", "many", "string", None),
    (9, "restart_count", "one", "uint32", None),
    (10, "log_path", "one", "string", None),
    (11, "hostname_path", "one", "string", None),
    (12, "hosts_path", "one", "string", None),
    (13, "resolv_conf_path", "one", "string", None),
    (14, "layer_driver", "one", "string", None),
    (15, "mounts", "many", "message", lambda: MountPoint),
    (16, "networks", "many", "message", lambda: EndpointStatus),
    (17, "ports", "many", "message", lambda: PublishedPort),
    (18, "size_rw_bytes", "one", "uint64", None),
    (19, "size_root_fs_bytes", "one", "uint64", None),
    (20, "exec_ids", "many", "string", None),
    (21, "platform", "one", "string", None),
    (22, "ids", "one", "message", lambda: IdRange),
)


@dataclass
class IdRange(codec.Message):
    """Ids 0 to size - 1 of users and groups in a container are these of the host."""
    first: int = 0
    size: int = 0


IdRange.FIELDS = (
    (1, "first", "one", "uint32", None),
    (2, "size", "one", "uint32", None),
)


@dataclass
class ContainerRuntimeState(codec.Message):
    state: ContainerState | int = 0
    # on the host, 0 = does not run
    pid: int = 0
    exit_code: int = 0
    # why the last start failed
    error: str = ""
    oom_killed: bool = False
    started_ns: int = 0
    finished_ns: int = 0
    health: HealthStatus | int = 0
    failing_streak: int = 0
    probes: list[HealthProbe] = field(default_factory=list)
    shim_pid: int = 0


ContainerRuntimeState.FIELDS = (
    (1, "state", "one", "enum", lambda: ContainerState),
    (2, "pid", "one", "int32", None),
    (3, "exit_code", "one", "int32", None),
    (4, "error", "one", "string", None),
    (5, "oom_killed", "one", "bool", None),
    (6, "started_ns", "one", "int64", None),
    (7, "finished_ns", "one", "int64", None),
    (8, "health", "one", "enum", lambda: HealthStatus),
    (9, "failing_streak", "one", "uint32", None),
    (10, "probes", "many", "message", lambda: HealthProbe),
    (11, "shim_pid", "one", "int32", None),
)


@dataclass
class TopContainerRequest(codec.Message):
    container: str = ""
    # ps(1)'s arguments: none, "-ef", "aux", "-o column,column".
    ps_args: list[str] = field(default_factory=list)


TopContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "ps_args", "many", "string", None),
)


@dataclass
class TopContainerReply(codec.Message):
    titles: list[str] = field(default_factory=list)
    processes: list[TopContainerReply_Row] = field(default_factory=list)


TopContainerReply.FIELDS = (
    (1, "titles", "many", "string", None),
    (2, "processes", "many", "message", lambda: TopContainerReply_Row),
)


@dataclass
class TopContainerReply_Row(codec.Message):
    cells: list[str] = field(default_factory=list)


TopContainerReply_Row.FIELDS = (
    (1, "cells", "many", "string", None),
)


@dataclass
class LogsRequest(codec.Message):
    container: str = ""
    stdout: bool = False
    # at least one of the two
    stderr: bool = False
    follow: bool = False
    # 0 = from the start
    since_ns: int = 0
    # 0 = to the end
    until_ns: int = 0
    # the last n lines; absent = all
    tail: int | None = None
    resume_position: int | None = None
    # labels and environment chosen by log options
    details: bool = False
    # The first entry is one without data, sent as soon as the log is open: before there is output the caller knows
    # that the call has not failed, and from what position it may go on.
    announce: bool = False


LogsRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "stdout", "one", "bool", None),
    (3, "stderr", "one", "bool", None),
    (4, "follow", "one", "bool", None),
    (5, "since_ns", "one", "int64", None),
    (6, "until_ns", "one", "int64", None),
    (7, "tail", "oneof lines", "uint64", None),
    (8, "resume_position", "oneof resume", "uint64", None),
    (9, "details", "one", "bool", None),
    (10, "announce", "one", "bool", None),
)


@dataclass
class LogEntry(codec.Message):
    """Whole lines that came together, or a part of one."""
    stream: cleat.v1.common.OutputStream | int = 0
    time_ns: int = 0
    # with newlines, as it was written
    data: bytes = b""
    # bytes of output before this entry, both streams (json-file: only rising)
    position: int = 0
    # its last line goes on in the next entry of this stream
    partial: bool = False
    details: dict[str, str] = field(default_factory=dict)


LogEntry.FIELDS = (
    (1, "stream", "one", "enum", lambda: cleat.v1.common.OutputStream),
    (2, "time_ns", "one", "int64", None),
    (3, "data", "one", "bytes", None),
    (4, "position", "one", "uint64", None),
    (5, "partial", "one", "bool", None),
    (6, "details", "map", "message", (("string", None), ("string", None))),
)


@dataclass
class CountedInput(codec.Message):
    """A stream of input that goes on on another call when its own breaks: the container's supervisor counts what it has taken
    of it, so that the client sends the rest again and nothing twice."""
    # the same on each call, and nobody else's: 1 to 64 bytes
    key: str = ""
    # the position of the first byte that the client still has
    from_: int = 0


CountedInput.FIELDS = (
    (1, "key", "one", "string", None),
    (2, "from_", "one", "uint64", None),
)


@dataclass
class AttachStart(codec.Message):
    container: str = ""
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    # replay the log first
    logs: bool = False
    # stay connected after the replay
    stream: bool = False
    # "ctrl-p,ctrl-q" when empty; "none" = none
    detach_keys: str = ""
    # start the container once attached
    start: bool = False
    # a full connection pushes back on the container instead of being dropped
    lossless: bool = False
    resume_position: int | None = None
    terminal: cleat.v1.common.TerminalSize | None = None
    exits: int | None = None
    # the client answers `moving` by half-closing, and sends what it has not sent yet to the next engine
    moves: bool = False
    # with stdin; the client sends none before `attached`
    input: CountedInput | None = None


AttachStart.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "stdin", "one", "bool", None),
    (3, "stdout", "one", "bool", None),
    (4, "stderr", "one", "bool", None),
    (5, "logs", "one", "bool", None),
    (6, "stream", "one", "bool", None),
    (7, "detach_keys", "one", "string", None),
    (8, "start", "one", "bool", None),
    (9, "lossless", "one", "bool", None),
    (10, "resume_position", "oneof resume", "uint64", None),
    (11, "terminal", "one", "message", lambda: cleat.v1.common.TerminalSize),
    (12, "exits", "oneof seen", "uint64", None),
    (13, "moves", "one", "bool", None),
    (14, "input", "one", "message", lambda: CountedInput),
)


@dataclass
class AttachRequest(codec.Message):
    start: AttachStart | None = None
    stdin: bytes | None = None
    resize: cleat.v1.common.TerminalSize | None = None
    # sent to the container, as `kill` does
    signal: str | None = None


AttachRequest.FIELDS = (
    (1, "start", "oneof message", "message", lambda: AttachStart),
    (2, "stdin", "oneof message", "bytes", None),
    (3, "resize", "oneof message", "message", lambda: cleat.v1.common.TerminalSize),
    (4, "signal", "oneof message", "string", None),
)


@dataclass
class AttachReply(codec.Message):
    attached: AttachReply_Attached | None = None
    output: AttachReply_Output | None = None
    exited: AttachReply_Exited | None = None
    detached: AttachReply_Detached | None = None
    # after AttachStart.start: the container's process was executed
    started: bool | None = None
    # only with AttachStart.moves: another engine serves now; all sent before the half-close counts
    moving: bool | None = None
    # with AttachStart.input: what is before this position need not be kept any more
    input_taken: int | None = None
    # with AttachStart.input: the half-close was passed on, and counts if the client goes now
    input_ended: bool | None = None


AttachReply.FIELDS = (
    (1, "attached", "oneof message", "message", lambda: AttachReply_Attached),
    (2, "output", "oneof message", "message", lambda: AttachReply_Output),
    (3, "exited", "oneof message", "message", lambda: AttachReply_Exited),
    (4, "detached", "oneof message", "message", lambda: AttachReply_Detached),
    (5, "started", "oneof message", "bool", None),
    (6, "moving", "oneof message", "bool", None),
    (7, "input_taken", "oneof message", "uint64", None),
    (8, "input_ended", "oneof message", "bool", None),
)


@dataclass
class AttachReply_Attached(codec.Message):
    id: str = ""
    tty: bool = False
    # where the live output begins
    position: int = 0
    # exits so far, or AttachStart.exits; see WaitContainerRequest.exits
    exits: int = 0
    input_taken: int | None = None


AttachReply_Attached.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "tty", "one", "bool", None),
    (3, "position", "one", "uint64", None),
    (4, "exits", "one", "uint64", None),
    (5, "input_taken", "oneof input", "uint64", None),
)


@dataclass
class AttachReply_Output(codec.Message):
    stream: cleat.v1.common.OutputStream | int = 0
    position: int = 0
    data: bytes = b""


AttachReply_Output.FIELDS = (
    (1, "stream", "one", "enum", lambda: cleat.v1.common.OutputStream),
    (2, "position", "one", "uint64", None),
    (3, "data", "one", "bytes", None),
)


@dataclass
class AttachReply_Exited(codec.Message):
    exit_code: int = 0
    oom_killed: bool = False
    # why it could not start: exit codes 125 to 127
    error: str = ""


AttachReply_Exited.FIELDS = (
    (1, "exit_code", "one", "int32", None),
    (2, "oom_killed", "one", "bool", None),
    (3, "error", "one", "string", None),
)


@dataclass
class AttachReply_Detached(codec.Message):
    pass


@dataclass
class TellDetachedRequest(codec.Message):
    container: str = ""
    # in place of the container
    exec_id: str = ""


TellDetachedRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "exec_id", "one", "string", None),
)


@dataclass
class TellDetachedReply(codec.Message):
    pass


@dataclass
class ResizeContainerRequest(codec.Message):
    container: str = ""
    size: cleat.v1.common.TerminalSize | None = None


ResizeContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "size", "one", "message", lambda: cleat.v1.common.TerminalSize),
)


@dataclass
class ResizeContainerReply(codec.Message):
    pass


@dataclass
class UpdateContainerRequest(codec.Message):
    container: str = ""
    # fields that are not 0 or "" change; -1 = no limit, where there is such
    resources: cleat.v1.config.Resources | None = None
    # absent or without a name: as it is
    restart_policy: cleat.v1.config.RestartPolicy | None = None


UpdateContainerRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "resources", "one", "message", lambda: cleat.v1.config.Resources),
    (3, "restart_policy", "one", "message", lambda: cleat.v1.config.RestartPolicy),
)


@dataclass
class UpdateContainerReply(codec.Message):
    warnings: list[str] = field(default_factory=list)


UpdateContainerReply.FIELDS = (
    (1, "warnings", "many", "string", None),
)


@dataclass
class StatsRequest(codec.Message):
    # empty = all that run, looked for anew in each round
    containers: list[str] = field(default_factory=list)
    # the stream ends with its second round
    once: bool = False
    # with once: a single round, whose samples are not compared with anything
    one_shot: bool = False
    # between rounds; 0 = 1000, at least 100
    interval_ms: int = 0
    # without `containers`: those that do not run as well
    all: bool = False


StatsRequest.FIELDS = (
    (1, "containers", "many", "string", None),
    (2, "once", "one", "bool", None),
    (3, "one_shot", "one", "bool", None),
    (4, "interval_ms", "one", "uint32", None),
    (5, "all", "one", "bool", None),
)


@dataclass
class StatsSample(codec.Message):
    """What a container has used since it was started, read from its cgroup when it was asked for. A round is a
    sample of each container and then one without an id. The first round is what the second, which follows within
    milliseconds, is to be compared with: the state at the last look if that was within a minute, else that at the
    container's start if that was, else that of some milliseconds ago; only time_ns and what counts processors'
    time is meant. one_shot has no such round."""
    # empty = the round ends here
    id: str = ""
    name: str = ""
    # UNIX time of the reading; 0 = the container does not run: the rest is empty
    time_ns: int = 0
    cpu_total_ns: int = 0
    # in steps of 10 ms on cgroup v1
    cpu_user_ns: int = 0
    # the same
    cpu_system_ns: int = 0
    # time that all CPUs together have had, idle or not: what cpu_total_ns is a share of
    host_cpu_ns: int = 0
    online_cpus: int = 0
    # of `periods`, by --cpus or --cpu-quota
    throttled_periods: int = 0
    periods: int = 0
    throttled_ns: int = 0
    # with the page cache
    memory_bytes: int = 0
    # 0 = the kernel does not tell (cgroup v2 before Linux 5.19)
    memory_peak_bytes: int = 0
    # the host's memory where there is no lower limit
    memory_limit_bytes: int = 0
    # the kernel's memory.stat
    memory_stat: dict[str, int] = field(default_factory=dict)
    pids: int = 0
    # 0 = none
    pids_limit: int = 0
    block_read_bytes: int = 0
    block_write_bytes: int = 0
    # of the container's own network namespace, without lo
    networks: list[StatsSample_NetworkCounters] = field(default_factory=list)
    # 1 or 2: which keys memory_stat has
    cgroup_version: int = 0
    # cgroup v1 only
    per_cpu_ns: list[int] = field(default_factory=list)
    # times the limit was hit; cgroup v1 only
    memory_failures: int = 0
    # by device and operation
    blocks: list[StatsSample_BlockCounters] = field(default_factory=list)


StatsSample.FIELDS = (
    (1, "id", "one", "string", None),
    (2, "name", "one", "string", None),
    (3, "time_ns", "one", "int64", None),
    (4, "cpu_total_ns", "one", "uint64", None),
    (5, "cpu_user_ns", "one", "uint64", None),
    (6, "cpu_system_ns", "one", "uint64", None),
    (7, "host_cpu_ns", "one", "uint64", None),
    (8, "online_cpus", "one", "uint32", None),
    (9, "throttled_periods", "one", "uint64", None),
    (10, "periods", "one", "uint64", None),
    (11, "throttled_ns", "one", "uint64", None),
    (12, "memory_bytes", "one", "uint64", None),
    (13, "memory_peak_bytes", "one", "uint64", None),
    (14, "memory_limit_bytes", "one", "uint64", None),
    (15, "memory_stat", "map", "message", (("string", None), ("uint64", None))),
    (16, "pids", "one", "uint64", None),
    (17, "pids_limit", "one", "uint64", None),
    (18, "block_read_bytes", "one", "uint64", None),
    (19, "block_write_bytes", "one", "uint64", None),
    (20, "networks", "many", "message", lambda: StatsSample_NetworkCounters),
    (21, "cgroup_version", "one", "uint32", None),
    (22, "per_cpu_ns", "many", "uint64", None),
    (23, "memory_failures", "one", "uint64", None),
    (24, "blocks", "many", "message", lambda: StatsSample_BlockCounters),
)


@dataclass
class StatsSample_NetworkCounters(codec.Message):
    interface: str = ""
    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


StatsSample_NetworkCounters.FIELDS = (
    (1, "interface", "one", "string", None),
    (2, "rx_bytes", "one", "uint64", None),
    (3, "rx_packets", "one", "uint64", None),
    (4, "rx_errors", "one", "uint64", None),
    (5, "rx_dropped", "one", "uint64", None),
    (6, "tx_bytes", "one", "uint64", None),
    (7, "tx_packets", "one", "uint64", None),
    (8, "tx_errors", "one", "uint64", None),
    (9, "tx_dropped", "one", "uint64", None),
)


@dataclass
class StatsSample_BlockCounters(codec.Message):
    major: int = 0
    minor: int = 0
    # Read, Write, Sync, Async, Discard, Total; on cgroup v2 read and write
    operation: str = ""
    bytes: int = 0
    operations: int = 0


StatsSample_BlockCounters.FIELDS = (
    (1, "major", "one", "uint32", None),
    (2, "minor", "one", "uint32", None),
    (3, "operation", "one", "string", None),
    (4, "bytes", "one", "uint64", None),
    (5, "operations", "one", "uint64", None),
)


@dataclass
class DiffRequest(codec.Message):
    container: str = ""


DiffRequest.FIELDS = (
    (1, "container", "one", "string", None),
)


@dataclass
class DiffReply(codec.Message):
    changes: list[DiffReply_Change] = field(default_factory=list)


DiffReply.FIELDS = (
    (1, "changes", "many", "message", lambda: DiffReply_Change),
)


@dataclass
class DiffReply_Change(codec.Message):
    path: str = ""
    kind: ChangeKind | int = 0


DiffReply_Change.FIELDS = (
    (1, "path", "one", "string", None),
    (2, "kind", "one", "enum", lambda: ChangeKind),
)


@dataclass
class ExportRequest(codec.Message):
    container: str = ""


ExportRequest.FIELDS = (
    (1, "container", "one", "string", None),
)


@dataclass
class StatPathRequest(codec.Message):
    container: str = ""
    path: str = ""


StatPathRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "path", "one", "string", None),
)


@dataclass
class PathStat(codec.Message):
    name: str = ""
    size_bytes: int = 0
    # st_mode
    mode: int = 0
    mtime_ns: int = 0
    link_target: str = ""


PathStat.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "size_bytes", "one", "uint64", None),
    (3, "mode", "one", "uint32", None),
    (4, "mtime_ns", "one", "int64", None),
    (5, "link_target", "one", "string", None),
)


@dataclass
class GetArchiveRequest(codec.Message):
    container: str = ""
    path: str = ""


GetArchiveRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "path", "one", "string", None),
)


@dataclass
class ArchiveChunk(codec.Message):
    # first message only
    stat: PathStat | None = None
    data: bytes = b""


ArchiveChunk.FIELDS = (
    (1, "stat", "one", "message", lambda: PathStat),
    (2, "data", "one", "bytes", None),
)


@dataclass
class PutArchiveRequest(codec.Message):
    # first message
    target: PutArchiveRequest_Target | None = None
    data: bytes | None = None


PutArchiveRequest.FIELDS = (
    (1, "target", "oneof message", "message", lambda: PutArchiveRequest_Target),
    (2, "data", "oneof message", "bytes", None),
)


@dataclass
class PutArchiveRequest_Target(codec.Message):
    container: str = ""
    # an existing directory
    path: str = ""
    no_overwrite_dir_non_dir: bool = False
    copy_uid_gid: bool = False


PutArchiveRequest_Target.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "path", "one", "string", None),
    (3, "no_overwrite_dir_non_dir", "one", "bool", None),
    (4, "copy_uid_gid", "one", "bool", None),
)


@dataclass
class PutArchiveReply(codec.Message):
    pass


@dataclass
class CommitRequest(codec.Message):
    container: str = ""
    # name[:tag] of the new image; empty = none
    reference: str = ""
    comment: str = ""
    author: str = ""
    no_pause: bool = False
    # Dockerfile instructions
    changes: list[str] = field(default_factory=list)
    # what it has of command, environment and the like replaces the container's
    config: cleat.v1.config.ContainerConfig | None = None


CommitRequest.FIELDS = (
    (1, "container", "one", "string", None),
    (2, "reference", "one", "string", None),
    (3, "comment", "one", "string", None),
    (4, "author", "one", "string", None),
    (5, "no_pause", "one", "bool", None),
    (6, "changes", "many", "string", None),
    (7, "config", "one", "message", lambda: cleat.v1.config.ContainerConfig),
)


@dataclass
class CommitReply(codec.Message):
    image_id: str = ""


CommitReply.FIELDS = (
    (1, "image_id", "one", "string", None),
)


@dataclass
class PruneContainersRequest(codec.Message):
    # until, label
    filters: list[cleat.v1.common.Filter] = field(default_factory=list)


PruneContainersRequest.FIELDS = (
    (1, "filters", "many", "message", lambda: cleat.v1.common.Filter),
)


@dataclass
class PruneContainersReply(codec.Message):
    ids: list[str] = field(default_factory=list)
    reclaimed_bytes: int = 0


PruneContainersReply.FIELDS = (
    (1, "ids", "many", "string", None),
    (2, "reclaimed_bytes", "one", "uint64", None),
)


class Containers:
    """Errors common to all methods: NOT_FOUND, reason CONTAINER_NOT_FOUND; INVALID_ARGUMENT, reason
    AMBIGUOUS_ID, for a prefix of several ids; FAILED_PRECONDITION when the container is in the wrong
    state (reasons NOT_RUNNING, RUNNING, PAUSED, NOT_PAUSED, REMOVING)."""

    METHODS = {
        "Create": transport.Method("cleat.v1.Containers/Create", lambda: CreateContainerReply,
            role=3, idempotent=False, no_side_effects=False),
        "Start": transport.Method("cleat.v1.Containers/Start", lambda: StartContainerReply,
            role=2, idempotent=False, no_side_effects=False),
        "Stop": transport.Method("cleat.v1.Containers/Stop", lambda: StopContainerReply,
            role=2, idempotent=False, no_side_effects=False),
        "Kill": transport.Method("cleat.v1.Containers/Kill", lambda: KillContainerReply,
            role=2, idempotent=False, no_side_effects=False),
        "Restart": transport.Method("cleat.v1.Containers/Restart", lambda: RestartContainerReply,
            role=2, idempotent=False, no_side_effects=False),
        "Pause": transport.Method("cleat.v1.Containers/Pause", lambda: PauseContainerReply,
            role=2, idempotent=False, no_side_effects=False),
        "Unpause": transport.Method("cleat.v1.Containers/Unpause", lambda: UnpauseContainerReply,
            role=2, idempotent=False, no_side_effects=False),
        "Wait": transport.Method("cleat.v1.Containers/Wait", lambda: WaitContainerReply,
            role=1, idempotent=True, no_side_effects=True),
        "Remove": transport.Method("cleat.v1.Containers/Remove", lambda: RemoveContainerReply,
            role=3, idempotent=False, no_side_effects=False),
        "Rename": transport.Method("cleat.v1.Containers/Rename", lambda: RenameContainerReply,
            role=3, idempotent=False, no_side_effects=False),
        "List": transport.Method("cleat.v1.Containers/List", lambda: ListContainersReply,
            role=1, idempotent=True, no_side_effects=True),
        "Inspect": transport.Method("cleat.v1.Containers/Inspect", lambda: InspectContainerReply,
            role=1, idempotent=True, no_side_effects=True),
        "Top": transport.Method("cleat.v1.Containers/Top", lambda: TopContainerReply,
            role=1, idempotent=True, no_side_effects=True),
        "Logs": transport.Method("cleat.v1.Containers/Logs", lambda: LogEntry,
            role=1, idempotent=True, no_side_effects=True),
        "Attach": transport.Method("cleat.v1.Containers/Attach", lambda: AttachReply,
            role=2, idempotent=False, no_side_effects=False),
        "TellDetached": transport.Method("cleat.v1.Containers/TellDetached", lambda: TellDetachedReply,
            role=2, idempotent=False, no_side_effects=False),
        "Resize": transport.Method("cleat.v1.Containers/Resize", lambda: ResizeContainerReply,
            role=2, idempotent=True, no_side_effects=False),
        "Update": transport.Method("cleat.v1.Containers/Update", lambda: UpdateContainerReply,
            role=3, idempotent=False, no_side_effects=False),
        "Stats": transport.Method("cleat.v1.Containers/Stats", lambda: StatsSample,
            role=1, idempotent=True, no_side_effects=True),
        "Diff": transport.Method("cleat.v1.Containers/Diff", lambda: DiffReply,
            role=1, idempotent=True, no_side_effects=True),
        "Export": transport.Method("cleat.v1.Containers/Export", lambda: cleat.v1.common.Chunk,
            role=3, idempotent=True, no_side_effects=True),
        "StatPath": transport.Method("cleat.v1.Containers/StatPath", lambda: PathStat,
            role=3, idempotent=True, no_side_effects=True),
        "GetArchive": transport.Method("cleat.v1.Containers/GetArchive", lambda: ArchiveChunk,
            role=3, idempotent=True, no_side_effects=True),
        "PutArchive": transport.Method("cleat.v1.Containers/PutArchive", lambda: PutArchiveReply,
            role=3, idempotent=False, no_side_effects=False),
        "Commit": transport.Method("cleat.v1.Containers/Commit", lambda: CommitReply,
            role=3, idempotent=False, no_side_effects=False),
        "Prune": transport.Method("cleat.v1.Containers/Prune", lambda: PruneContainersReply,
            role=3, idempotent=False, no_side_effects=False),
    }

    def __init__(self, client: transport.Client) -> None:
        self._client = client

    def create(self, request: CreateContainerRequest, **options: Unpack[transport.Options]) -> CreateContainerReply:
        """Makes a container from an image. Nothing runs yet. Errors: NOT_FOUND, reason IMAGE_NOT_FOUND;
        ALREADY_EXISTS, reason NAME_IN_USE; INVALID_ARGUMENT names the field."""
        return self._client.unary(self.METHODS["Create"], request, options)

    def start(self, request: StartContainerRequest, **options: Unpack[transport.Options]) -> StartContainerReply:
        """Starts a created or exited container; returns when its process was executed. A running container
        is success with already_running. Errors: NOT_FOUND, reason EXEC_NOT_FOUND (exit code 127);
        PERMISSION_DENIED, reason EXEC_NOT_PERMITTED (126)."""
        return self._client.unary(self.METHODS["Start"], request, options)

    def stop(self, request: StopContainerRequest, **options: Unpack[transport.Options]) -> StopContainerReply:
        """Sends the stop signal, after the timeout SIGKILL, and returns when the container has ended. The
        restart policy does not apply until the next start. A container that does not run is success."""
        return self._client.unary(self.METHODS["Stop"], request, options)

    def kill(self, request: KillContainerRequest, **options: Unpack[transport.Options]) -> KillContainerReply:
        """Sends one signal to the container's init."""
        return self._client.unary(self.METHODS["Kill"], request, options)

    def restart(self, request: RestartContainerRequest, **options: Unpack[transport.Options]) -> RestartContainerReply:
        """Stop, then start."""
        return self._client.unary(self.METHODS["Restart"], request, options)

    def pause(self, request: PauseContainerRequest, **options: Unpack[transport.Options]) -> PauseContainerReply:
        """Freezes all processes (cgroups(7), freezer)."""
        return self._client.unary(self.METHODS["Pause"], request, options)

    def unpause(self, request: UnpauseContainerRequest, **options: Unpack[transport.Options]) -> UnpauseContainerReply:
        return self._client.unary(self.METHODS["Unpause"], request, options)

    def wait(self, request: WaitContainerRequest, **options: Unpack[transport.Options]) -> transport.Receiver[WaitContainerReply]:
        """Waits for a condition. The first message says that the wait is armed, the last one has the exit."""
        return self._client.server_stream(self.METHODS["Wait"], request, options)

    def remove(self, request: RemoveContainerRequest, **options: Unpack[transport.Options]) -> RemoveContainerReply:
        """Removes a container that does not run, or with `force` any."""
        return self._client.unary(self.METHODS["Remove"], request, options)

    def rename(self, request: RenameContainerRequest, **options: Unpack[transport.Options]) -> RenameContainerReply:
        return self._client.unary(self.METHODS["Rename"], request, options)

    def list(self, request: ListContainersRequest, **options: Unpack[transport.Options]) -> ListContainersReply:
        return self._client.unary(self.METHODS["List"], request, options)

    def inspect(self, request: InspectContainerRequest, **options: Unpack[transport.Options]) -> InspectContainerReply:
        return self._client.unary(self.METHODS["Inspect"], request, options)

    def top(self, request: TopContainerRequest, **options: Unpack[transport.Options]) -> TopContainerReply:
        """The processes of the container, as ps(1) shows them."""
        return self._client.unary(self.METHODS["Top"], request, options)

    def logs(self, request: LogsRequest, **options: Unpack[transport.Options]) -> transport.Receiver[LogEntry]:
        """The log, oldest first. With `follow` the stream goes on until the container ends for good."""
        return self._client.server_stream(self.METHODS["Logs"], request, options)

    def attach(self, **options: Unpack[transport.Options]) -> transport.Bidi[AttachRequest, AttachReply]:
        """Connects to the container's standard streams. The first message of the client is AttachStart,
        then input; half-closing is the end of stdin. The server answers with `attached`, then output, and
        ends with `exited` or `detached`. Losing the connection detaches; the container goes on."""
        return self._client.bidi(self.METHODS["Attach"], options)

    def tell_detached(self, request: TellDetachedRequest, **options: Unpack[transport.Options]) -> TellDetachedReply:
        """Says that an attach ended by the detach keys, which only its client sees: the event "detach"; of the session of
        an exec it is "exec_detach"."""
        return self._client.unary(self.METHODS["TellDetached"], request, options)

    def resize(self, request: ResizeContainerRequest, **options: Unpack[transport.Options]) -> ResizeContainerReply:
        """Sets the size of the container's terminal."""
        return self._client.unary(self.METHODS["Resize"], request, options)

    def update(self, request: UpdateContainerRequest, **options: Unpack[transport.Options]) -> UpdateContainerReply:
        """Changes resources and restart policy of a container, running or not: wholly or not at all. Errors: INVALID_ARGUMENT,
        also for limits that a container has for life (swappiness, oom_kill_disable, those of single block devices);
        FAILED_PRECONDITION for what conflicts with limits that it has or with what it uses already."""
        return self._client.unary(self.METHODS["Update"], request, options)

    def stats(self, request: StatsRequest, **options: Unpack[transport.Options]) -> transport.Receiver[StatsSample]:
        """What containers use. Nothing is measured while nobody asks. Ends when none of the containers named is
        there any more."""
        return self._client.server_stream(self.METHODS["Stats"], request, options)

    def diff(self, request: DiffRequest, **options: Unpack[transport.Options]) -> DiffReply:
        """Files of the root filesystem that differ from the image."""
        return self._client.unary(self.METHODS["Diff"], request, options)

    def export(self, request: ExportRequest, **options: Unpack[transport.Options]) -> transport.Receiver[cleat.v1.common.Chunk]:
        """The root filesystem as a tar archive."""
        return self._client.server_stream(self.METHODS["Export"], request, options)

    def stat_path(self, request: StatPathRequest, **options: Unpack[transport.Options]) -> PathStat:
        """One path inside the container; links are resolved inside its root."""
        return self._client.unary(self.METHODS["StatPath"], request, options)

    def get_archive(self, request: GetArchiveRequest, **options: Unpack[transport.Options]) -> transport.Receiver[ArchiveChunk]:
        """A path inside the container as a tar archive; the first message has the stat of the path."""
        return self._client.server_stream(self.METHODS["GetArchive"], request, options)

    def put_archive(self, **options: Unpack[transport.Options]) -> transport.Sender[PutArchiveRequest, PutArchiveReply]:
        """Unpacks a tar archive into a directory inside the container. The first message names it."""
        return self._client.client_stream(self.METHODS["PutArchive"], options)

    def commit(self, request: CommitRequest, **options: Unpack[transport.Options]) -> CommitReply:
        """Makes an image of the container's changes."""
        return self._client.unary(self.METHODS["Commit"], request, options)

    def prune(self, request: PruneContainersRequest, **options: Unpack[transport.Options]) -> PruneContainersReply:
        """Removes all containers that do not run."""
        return self._client.unary(self.METHODS["Prune"], request, options)


__all__ = [
    "ContainerState",
    "WaitCondition",
    "HealthStatus",
    "ChangeKind",
    "CreateContainerRequest",
    "CreateContainerReply",
    "StartContainerRequest",
    "StartContainerReply",
    "StopContainerRequest",
    "StopContainerReply",
    "KillContainerRequest",
    "KillContainerReply",
    "RestartContainerRequest",
    "RestartContainerReply",
    "PauseContainerRequest",
    "PauseContainerReply",
    "UnpauseContainerRequest",
    "UnpauseContainerReply",
    "WaitContainerRequest",
    "WaitContainerReply",
    "RemoveContainerRequest",
    "RemoveContainerReply",
    "RenameContainerRequest",
    "RenameContainerReply",
    "ListContainersRequest",
    "ListContainersReply",
    "ContainerSummary",
    "PublishedPort",
    "MountPoint",
    "EndpointStatus",
    "HealthProbe",
    "InspectContainerRequest",
    "InspectContainerReply",
    "ContainerDetails",
    "IdRange",
    "ContainerRuntimeState",
    "TopContainerRequest",
    "TopContainerReply",
    "TopContainerReply_Row",
    "LogsRequest",
    "LogEntry",
    "CountedInput",
    "AttachStart",
    "AttachRequest",
    "AttachReply",
    "AttachReply_Attached",
    "AttachReply_Output",
    "AttachReply_Exited",
    "AttachReply_Detached",
    "TellDetachedRequest",
    "TellDetachedReply",
    "ResizeContainerRequest",
    "ResizeContainerReply",
    "UpdateContainerRequest",
    "UpdateContainerReply",
    "StatsRequest",
    "StatsSample",
    "StatsSample_NetworkCounters",
    "StatsSample_BlockCounters",
    "DiffRequest",
    "DiffReply",
    "DiffReply_Change",
    "ExportRequest",
    "StatPathRequest",
    "PathStat",
    "GetArchiveRequest",
    "ArchiveChunk",
    "PutArchiveRequest",
    "PutArchiveRequest_Target",
    "PutArchiveReply",
    "CommitRequest",
    "CommitReply",
    "PruneContainersRequest",
    "PruneContainersReply",
    "Containers",
]
