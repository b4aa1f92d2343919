# generated, do not edit: from cleat/v1/config.proto

from __future__ import annotations

from dataclasses import dataclass, field

from cleat import codec  # noqa: F401


@dataclass
class StringList(codec.Message):
    values: list[str] = field(default_factory=list)


StringList.FIELDS = (
    (1, "values", "many", "string", None),
)


@dataclass
class ContainerConfig(codec.Message):
    # reference or id
    image: str = ""
    # Process.
    entrypoint: StringList | None = None
    # absent = the image's, unless entrypoint is given
    command: StringList | None = None
    # KEY=value; "KEY" alone removes the image's KEY
    env: list[str] = field(default_factory=list)
    # absolute
    working_dir: str = ""
    # user[:group], names or numbers
    user: str = ""
    # additional groups
    groups: list[str] = field(default_factory=list)
    tty: bool = False
    open_stdin: bool = False
    # close stdin when the first attached client ends its input
    stdin_once: bool = False
    # "TERM", "SIGTERM", "15"
    stop_signal: str = ""
    # -1 = for ever; absent = 10
    stop_timeout_seconds: int | None = None
    health_check: HealthCheck | None = None
    # a small init as pid 1 that reaps and forwards signals
    init: bool = False
    # Names.
    hostname: str = ""
    domain_name: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    # Life.
    restart_policy: RestartPolicy | None = None
    auto_remove: bool = False
    log: LogConfig | None = None
    # path of an OCI runtime; empty = cleat-oci
    runtime: str = ""
    # Filesystem.
    mounts: list[Mount] = field(default_factory=list)
    # container[:ro|rw]
    volumes_from: list[str] = field(default_factory=list)
    # container paths that get an anonymous volume
    volumes: list[str] = field(default_factory=list)
    read_only_root: bool = False
    # 0 = 64 MiB
    shm_size_bytes: int = 0
    storage_options: dict[str, str] = field(default_factory=dict)
    volume_driver: str = ""
    # Network.
    network_mode: str = ""
    endpoints: list[EndpointConfig] = field(default_factory=list)
    ports: list[PortBinding] = field(default_factory=list)
    # "80/tcp"
    exposed_ports: list[str] = field(default_factory=list)
    publish_all_ports: bool = False
    # addresses of servers, instead of the host's
    dns: list[str] = field(default_factory=list)
    # instead of the host's; "." = none
    dns_search: list[str] = field(default_factory=list)
    # instead of the host's, as in resolv.conf(5)
    dns_options: list[str] = field(default_factory=list)
    # name:address, address may be host-gateway
    extra_hosts: list[str] = field(default_factory=list)
    # container[:alias]. On the default network lines of /etc/hosts; in another, of which network_mode is
    # the name, EndpointConfig.links where that has none.
    links: list[str] = field(default_factory=list)
    mac_address: str = ""
    # Isolation.
    resources: Resources | None = None
    privileged: bool = False
    cap_add: list[str] = field(default_factory=list)
    cap_drop: list[str] = field(default_factory=list)
    # key=value; seccomp= with the text of a profile
    security_options: list[str] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    # "c 1:3 rwm"
    device_cgroup_rules: list[str] = field(default_factory=list)
    # "", host, or container:NAME, of which the id is kept: its processes are seen, and one's own end with its first
    # process. It must run when this one starts; a restart by the policy waits until it runs again.
    pid_mode: str = ""
    # "" or private, shareable, none (there is no /dev/shm either), host, or container:NAME as above: the other one is
    # shareable, or itself in another's, and its /dev/shm is this one's too.
    ipc_mode: str = ""
    # "", host
    uts_mode: str = ""
    # "", private, host
    cgroupns_mode: str = ""
    # "", host, auto[:size=N]: N ids of the host that no other container has; the default is 65536
    userns_mode: str = ""
    # path below the root of each hierarchy, made if absent; empty = the engine's own group
    cgroup_parent: str = ""
    sysctls: dict[str, str] = field(default_factory=dict)
    ulimits: list[Ulimit] = field(default_factory=list)
    oom_score_adj: int | None = None
    # absent = the default list
    masked_paths: StringList | None = None
    readonly_paths: StringList | None = None
    # Which streams its creator meant to attach: nothing but what inspection tells.
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False


ContainerConfig.FIELDS = (
    (1, "image", "one", "string", None),
    (2, "entrypoint", "one", "message", lambda: StringList),
    (3, "command", "one", "message", lambda: StringList),
    (4, "env", "many", "string", None),
    (5, "working_dir", "one", "string", None),
    (6, "user", "one", "string", None),
    (7, "groups", "many", "string", None),
    (8, "tty", "one", "bool", None),
    (9, "open_stdin", "one", "bool", None),
    (10, "stdin_once", "one", "bool", None),
    (11, "stop_signal", "one", "string", None),
    (12, "stop_timeout_seconds", "oneof stop_timeout", "int32", None),
    (13, "health_check", "one", "message", lambda: HealthCheck),
    (14, "init", "one", "bool", None),
    (15, "hostname", "one", "string", None),
    (16, "domain_name", "one", "string", None),
    (17, "labels", "map", "message", (("string", None), ("string", None))),
    (18, "annotations", "map", "message", (("string", None), ("string", None))),
    (19, "restart_policy", "one", "message", lambda: RestartPolicy),
    (20, "auto_remove", "one", "bool", None),
    (21, "log", "one", "message", lambda: LogConfig),
    (22, "runtime", "one", "string", None),
    (23, "mounts", "many", "message", lambda: Mount),
    (24, "volumes_from", "many", "string", None),
    (25, "volumes", "many", "string", None),
    (26, "read_only_root", "one", "bool", None),
    (27, "shm_size_bytes", "one", "uint64", None),
    (28, "storage_options", "map", "message", (("string", None), ("string", None))),
    (29, "volume_driver", "one", "string", None),
    (30, "network_mode", "one", "string", None),
    (31, "endpoints", "many", "message", lambda: EndpointConfig),
    (32, "ports", "many", "message", lambda: PortBinding),
    (33, "exposed_ports", "many", "string", None),
    (34, "publish_all_ports", "one", "bool", None),
    (35, "dns", "many", "string", None),
    (36, "dns_search", "many", "string", None),
    (37, "dns_options", "many", "string", None),
    (38, "extra_hosts", "many", "string", None),
    (39, "links", "many", "string", None),
    (40, "mac_address", "one", "string", None),
    (41, "resources", "one", "message", lambda: Resources),
    (42, "privileged", "one", "bool", None),
    (43, "cap_add", "many", "string", None),
    (44, "cap_drop", "many", "string", None),
    (45, "security_options", "many", "string", None),
    (46, "devices", "many", "message", lambda: Device),
    (47, "device_cgroup_rules", "many", "string", None),
    (48, "pid_mode", "one", "string", None),
    (49, "ipc_mode", "one", "string", None),
    (50, "uts_mode", "one", "string", None),
    (51, "cgroupns_mode", "one", "string", None),
    (52, "userns_mode", "one", "string", None),
    (53, "cgroup_parent", "one", "string", None),
    (54, "sysctls", "map", "message", (("string", None), ("string", None))),
    (55, "ulimits", "many", "message", lambda: Ulimit),
    (56, "oom_score_adj", "oneof oom_score", "int32", None),
    (57, "masked_paths", "oneof masked", "message", lambda: StringList),
    (58, "readonly_paths", "oneof readonly", "message", lambda: StringList),
    (59, "attach_stdin", "one", "bool", None),
    (60, "attach_stdout", "one", "bool", None),
    (61, "attach_stderr", "one", "bool", None),
)


@dataclass
class HealthCheck(codec.Message):
    # absent = the image's; ["NONE"], ["CMD", …], ["CMD-SHELL", line]
    test: StringList | None = None
    # 0 = the image's, or else 30 s, 30 s, none, 5 s; at least 1 ms.
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    # failures in a row that make it unhealthy; 0 = the image's, or else 3
    retries: int = 0


HealthCheck.FIELDS = (
    (1, "test", "one", "message", lambda: StringList),
    (2, "interval_ns", "one", "int64", None),
    (3, "timeout_ns", "one", "int64", None),
    (4, "start_period_ns", "one", "int64", None),
    (5, "start_interval_ns", "one", "int64", None),
    (6, "retries", "one", "uint32", None),
)


@dataclass
class RestartPolicy(codec.Message):
    # "", no, always, unless-stopped, on-failure
    name: str = ""
    # on-failure only; 0 = no limit
    maximum_retry_count: int = 0
    # first delay, doubled each time; 0 = 100
    delay_ms: int = 0
    # 0 = 60000
    max_delay_ms: int = 0
    # A container that becomes unhealthy is stopped (stop signal, stop timeout) and started again, which counts
    # as a failure. Needs a policy other than no.
    on_unhealthy: bool = False


RestartPolicy.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "maximum_retry_count", "one", "uint32", None),
    (3, "delay_ms", "one", "uint32", None),
    (4, "max_delay_ms", "one", "uint32", None),
    (5, "on_unhealthy", "one", "bool", None),
)


@dataclass
class LogConfig(codec.Message):
    # "", local, json-file, journald, none
    driver: str = ""
    options: dict[str, str] = field(default_factory=dict)
    # the driver where neither `driver` nor the engine's configuration names
    unconfigured: str = ""


LogConfig.FIELDS = (
    (1, "driver", "one", "string", None),
    (2, "options", "map", "message", (("string", None), ("string", None))),
    (3, "unconfigured", "one", "string", None),
)


@dataclass
class Mount(codec.Message):
    # bind, volume, tmpfs, image
    type: str = ""
    # host path, volume name (empty = anonymous) or image
    source: str = ""
    # absolute path in the container
    target: str = ""
    # an image always is
    read_only: bool = False
    # accepted, no meaning on Linux
    consistency: str = ""
    # bind: rprivate (default), private, rshared, shared, rslave, slave
    propagation: str = ""
    # bind
    non_recursive: bool = False
    # bind: make a missing host directory (-v does, --mount does not)
    create_source: bool = False
    # volume: do not fill it from the image
    no_copy: bool = False
    # volume, image
    subpath: str = ""
    # volume
    driver: str = ""
    driver_options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    tmpfs_size_bytes: int = 0
    # 0 = 01777
    tmpfs_mode: int = 0
    # further mount options, comma-separated
    tmpfs_options: str = ""
    # image: what source was when the container was made; the engine's to set
    image_id: str = ""


Mount.FIELDS = (
    (1, "type", "one", "string", None),
    (2, "source", "one", "string", None),
    (3, "target", "one", "string", None),
    (4, "read_only", "one", "bool", None),
    (5, "consistency", "one", "string", None),
    (6, "propagation", "one", "string", None),
    (7, "non_recursive", "one", "bool", None),
    (8, "create_source", "one", "bool", None),
    (9, "no_copy", "one", "bool", None),
    (10, "subpath", "one", "string", None),
    (11, "driver", "one", "string", None),
    (12, "driver_options", "map", "message", (("string", None), ("string", None))),
    (13, "labels", "map", "message", (("string", None), ("string", None))),
    (14, "tmpfs_size_bytes", "one", "uint64", None),
    (15, "tmpfs_mode", "one", "uint32", None),
    (16, "tmpfs_options", "one", "string", None),
    (17, "image_id", "one", "string", None),
)


@dataclass
class EndpointConfig(codec.Message):
    network: str = ""
    # further names; not on the default network
    aliases: list[str] = field(default_factory=list)
    # name[:alias]: for this container alone the alias is the name's address
    links: list[str] = field(default_factory=list)
    ipv4_address: str = ""
    ipv6_address: str = ""
    mac_address: str = ""
    driver_options: dict[str, str] = field(default_factory=dict)
    gateway_priority: int = 0


EndpointConfig.FIELDS = (
    (1, "network", "one", "string", None),
    (2, "aliases", "many", "string", None),
    (3, "links", "many", "string", None),
    (4, "ipv4_address", "one", "string", None),
    (5, "ipv6_address", "one", "string", None),
    (6, "mac_address", "one", "string", None),
    (7, "driver_options", "map", "message", (("string", None), ("string", None))),
    (8, "gateway_priority", "one", "int32", None),
)


@dataclass
class PortBinding(codec.Message):
    container_port: int = 0
    # "" = tcp
    protocol: str = ""
    # "" = all
    host_ip: str = ""
    # 0 = any free one
    host_port: int = 0
    # a free one of the range host_port..host_port_end; 0 = no range
    host_port_end: int = 0


PortBinding.FIELDS = (
    (1, "container_port", "one", "uint32", None),
    (2, "protocol", "one", "string", None),
    (3, "host_ip", "one", "string", None),
    (4, "host_port", "one", "uint32", None),
    (5, "host_port_end", "one", "uint32", None),
)


@dataclass
class Device(codec.Message):
    host_path: str = ""
    container_path: str = ""
    # subset of "rwm"
    permissions: str = ""


Device.FIELDS = (
    (1, "host_path", "one", "string", None),
    (2, "container_path", "one", "string", None),
    (3, "permissions", "one", "string", None),
)


@dataclass
class Ulimit(codec.Message):
    # nofile
    name: str = ""
    # -1 = unlimited
    soft: int = 0
    hard: int = 0


Ulimit.FIELDS = (
    (1, "name", "one", "string", None),
    (2, "soft", "one", "int64", None),
    (3, "hard", "one", "int64", None),
)


@dataclass
class DeviceRate(codec.Message):
    path: str = ""
    # bytes or operations a second, or a weight
    rate: int = 0


DeviceRate.FIELDS = (
    (1, "path", "one", "string", None),
    (2, "rate", "one", "uint64", None),
)


@dataclass
class Resources(codec.Message):
    # 0 = no limit
    memory_bytes: int = 0
    # memory and swap; -1 = unlimited
    memory_swap_bytes: int = 0
    memory_reservation_bytes: int = 0
    # accepted and ignored: the kernel dropped it
    kernel_memory_bytes: int = 0
    # 0-100, -1 = the kernel's
    memory_swappiness: int | None = None
    oom_kill_disable: bool = False
    # 1e-9 CPUs
    nano_cpus: int = 0
    cpu_shares: int = 0
    cpu_period_us: int = 0
    cpu_quota_us: int = 0
    cpu_realtime_period_us: int = 0
    cpu_realtime_runtime_us: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    # 0 or -1 = no limit
    pids_limit: int = 0
    blkio_weight: int = 0
    blkio_weight_device: list[DeviceRate] = field(default_factory=list)
    device_read_bps: list[DeviceRate] = field(default_factory=list)
    device_write_bps: list[DeviceRate] = field(default_factory=list)
    device_read_iops: list[DeviceRate] = field(default_factory=list)
    device_write_iops: list[DeviceRate] = field(default_factory=list)


Resources.FIELDS = (
    (1, "memory_bytes", "one", "int64", None),
    (2, "memory_swap_bytes", "one", "int64", None),
    (3, "memory_reservation_bytes", "one", "int64", None),
    (4, "kernel_memory_bytes", "one", "int64", None),
    (5, "memory_swappiness", "oneof swappiness", "int64", None),
    (6, "oom_kill_disable", "one", "bool", None),
    (7, "nano_cpus", "one", "int64", None),
    (8, "cpu_shares", "one", "int64", None),
    (9, "cpu_period_us", "one", "int64", None),
    (10, "cpu_quota_us", "one", "int64", None),
    (11, "cpu_realtime_period_us", "one", "int64", None),
    (12, "cpu_realtime_runtime_us", "one", "int64", None),
    (13, "cpuset_cpus", "one", "string", None),
    (14, "cpuset_mems", "one", "string", None),
    (15, "pids_limit", "one", "int64", None),
    (16, "blkio_weight", "one", "uint32", None),
    (17, "blkio_weight_device", "many", "message", lambda: DeviceRate),
    (18, "device_read_bps", "many", "message", lambda: DeviceRate),
    (19, "device_write_bps", "many", "message", lambda: DeviceRate),
    (20, "device_read_iops", "many", "message", lambda: DeviceRate),
    (21, "device_write_iops", "many", "message", lambda: DeviceRate),
)


__all__ = [
    "StringList",
    "ContainerConfig",
    "HealthCheck",
    "RestartPolicy",
    "LogConfig",
    "Mount",
    "EndpointConfig",
    "PortBinding",
    "Device",
    "Ulimit",
    "DeviceRate",
    "Resources",
]
