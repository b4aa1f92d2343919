/* SPDX-License-Identifier: Apache-2.0 */
/* A checked bundle: everything config.json says, in the form the system calls want it, with all
 * defaults filled in. Strings borrow from the JSON tree the plan holds; arrays live in its arena;
 * plan_free() releases both. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mountopt.h"

enum plan_ns { NS_MOUNT, NS_PID, NS_NET, NS_IPC, NS_UTS, NS_CGROUP, NS_USER, NS_TIME, NS_COUNT };

enum plan_hook {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_COUNT
};

struct plan_strings {
	const char **item; /* NULL-terminated */
	size_t n;
};

struct plan_idmap {
	uint32_t container, host, size;
};

struct plan_idmaps {
	struct plan_idmap *item;
	size_t n;
};

/* Options of ours: of a bind mount, the mount namespace, as a path to it, that its source is of; of one, or of layers, what
 * of it is mounted. */
#define PLAN_MOUNT_NS      "x-cleat.mntns="
#define PLAN_MOUNT_SUBPATH "x-cleat.subpath="
/* The type of a mount of layers: its source names them, two at least, as dev.cleat.overlay.lower does. Read-only. */
#define PLAN_MOUNT_LAYERS "dev.cleat.layers"

struct plan_mount {
	const char *dest; /* absolute */
	const char *type; /* NULL for bind */
	const char *source;
	struct mountopt opt;
	const char *data;                    /* file system's own options, NULL = none */
	struct plan_idmaps uid_map, gid_map; /* of opt.idmap; none = the container's */
	struct plan_strings layers;          /* of type PLAN_MOUNT_LAYERS, topmost first */
};

struct plan_device {
	const char *path;
	mode_t mode; /* type and permissions */
	unsigned major, minor;
	uint32_t uid, gid;
};

struct plan_device_rule {
	bool allow;
	char type;            /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1 = all */
	char access[4];       /* of "rwm" */
};

struct plan_pair {
	const char *key, *value;
};

/* A file of a cgroup controller and what goes into it, named as the specification names it; the
 * cgroup version decides the file. */
enum plan_limit {
	LIMIT_MEMORY,
	LIMIT_MEMORY_RESERVATION,
	LIMIT_MEMORY_SWAP, /* memory and swap together */
	LIMIT_SWAPPINESS,
	LIMIT_OOM_DISABLE,
	LIMIT_PIDS,
	LIMIT_CPU_SHARES,
	LIMIT_CPU_QUOTA,
	LIMIT_CPU_PERIOD,
	LIMIT_CPU_IDLE,
	LIMIT_BLKIO_WEIGHT,
	LIMIT_COUNT
};

/* Of a block device: limits of bytes and operations a second, and its blkio weight. */
enum plan_throttle {
	THROTTLE_RBPS,
	THROTTLE_WBPS,
	THROTTLE_RIOPS,
	THROTTLE_WIOPS,
	THROTTLE_WEIGHT,
	THROTTLE_COUNT
};

struct plan_throttle_rule {
	enum plan_throttle kind;
	uint32_t major, minor;
	uint64_t rate;
};

struct plan_resources {
	bool set[LIMIT_COUNT];
	int64_t limit[LIMIT_COUNT];
	const char *cpus, *mems; /* NULL = inherit */
	struct plan_device_rule *devices;
	size_t n_devices;
	struct plan_throttle_rule *throttle;
	size_t n_throttle;
	struct plan_pair *unified;
	size_t n_unified;
};

struct plan_rlimit {
	int resource;
	const char *name;
	uint64_t soft, hard;
};

enum plan_capset {
	CAP_BOUNDING_,
	CAP_EFFECTIVE_,
	CAP_PERMITTED_,
	CAP_INHERITABLE_,
	CAP_AMBIENT_,
	CAPSET_COUNT
};

struct plan_process {
	bool terminal;
	uint16_t rows, cols; /* 0 = leave */
	uint32_t uid, gid;
	uint32_t *gids;
	size_t n_gids;
	int umask; /* -1 = leave */
	struct plan_strings args, env;
	const char *cwd;
	bool has_caps;
	uint64_t caps[CAPSET_COUNT];
	struct plan_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	bool has_oom;
	int oom_score_adj;
	const char *apparmor; /* profile for exec, NULL = none */
};

struct plan_hook_entry {
	const char *path;
	struct plan_strings args, env;
	int64_t timeout_s; /* 0 = none */
};

struct plan_hooks {
	struct plan_hook_entry *item;
	size_t n;
};

struct plan_overlay {
	struct plan_strings lower; /* topmost first; "fd:N" or a path */
	const char *upper, *work;  /* NULL = read-only */
	bool is_volatile;          /* upper is thrown away with the container: nothing is synced */
};

struct plan_chunk;

struct plan {
	json_t *json;
	struct plan_chunk *chunks;
	const char *version;
	const char *root; /* as written; relative to the bundle */
	bool root_readonly;
	struct plan_overlay overlay; /* lower.n 0 = none */
	const char *hostname, *domainname;
	bool has_process;
	struct plan_process process;
	struct plan_mount *mounts;
	size_t n_mounts;
	unsigned ns_new;               /* bit 1 << enum plan_ns: make a new one */
	const char *ns_path[NS_COUNT]; /* join this one; NULL = new or host's */
	struct plan_idmaps uid_map, gid_map;
	struct plan_device *devices;
	size_t n_devices;
	struct plan_strings masked, readonly;
	struct plan_pair *sysctl;
	size_t n_sysctl;
	unsigned long propagation; /* MS_* of the root mount, 0 = private */
	const char *cgroup;        /* cgroupsPath, NULL = default */
	struct plan_resources res;
	const json_t *seccomp; /* NULL = none, or cut out because its program is cached */
	struct plan_hooks hooks[HOOK_COUNT];
	const json_t *annotations;
	bool init; /* a reaping init in front of the program */
};

/* CLONE_NEW* flag of a namespace kind, and its name below /proc/PID/ns. */
struct plan_ns_kind {
	const char *word, *file;
	uint64_t flag;
};
extern const struct plan_ns_kind plan_ns_kinds[NS_COUNT];
/* The kind of namespace a sysctl is of; NS_COUNT = of none, it is the host's. */
enum plan_ns plan_sysctl_ns(const char *name);

/* n zeroed bytes that live as long as the plan; NULL without memory. */
void *plan_alloc(struct plan *p, size_t n);
/* Releases what the plan owns; accepts a zeroed or half-built one. For cleanup(). */
void plan_free(struct plan *p);
