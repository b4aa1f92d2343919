/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v1: which hierarchies there are is in /proc/self/cgroup; the directory of one is named as
 * its controllers are (distributions link the single names to joint ones), a named one as its name.
 * Device access is a list of writes: deny all, then the allowed ones. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "fd.h"
#include "str.h"

static void add_line(struct cgroup *cg, char *line)
{
	char *names = strchr(line, ':'), *end = names ? strchr(names + 1, ':') : NULL;
	char *out = cg->names[cg->n];

	if (!end || end == names + 1 || cg->n == CGROUP_HIERARCHIES_MAX)
		return; /* "0::/": v2 of the hybrid layout */
	*end = 0;
	names++;
	if (str_has_prefix(names, "name="))
		names += strlen("name=");
	if (strlen(names) >= sizeof(cg->names[0]))
		return;
	memcpy(out, names, strlen(names) + 1);
	cg->n++;
}

static int discover(struct cgroup *cg, struct err *err)
{
	char text[4096], *save = NULL;
	cleanup_fd int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return err_sys(err, errno, "read /proc/self/cgroup");
	text[n] = 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		add_line(cg, l);
	return 0;
}

static const struct {
	enum plan_limit limit;
	const char *hierarchy, *file;
} files[] = {
	{ LIMIT_MEMORY_RESERVATION, "memory", "memory.soft_limit_in_bytes" },
	{ LIMIT_SWAPPINESS, "memory", "memory.swappiness" },
	{ LIMIT_OOM_DISABLE, "memory", "memory.oom_control" },
	{ LIMIT_PIDS, "pids", "pids.max" },
	{ LIMIT_CPU_SHARES, "cpu", "cpu.shares" },
	{ LIMIT_CPU_PERIOD, "cpu", "cpu.cfs_period_us" },
	{ LIMIT_CPU_QUOTA, "cpu", "cpu.cfs_quota_us" },
	{ LIMIT_CPU_IDLE, "cpu", "cpu.idle" },
	{ LIMIT_BLKIO_WEIGHT, "blkio", "blkio.bfq.weight" },
};

/* 0 means "not set" for these, -1 for none. */
static bool is_default(enum plan_limit l, int64_t value)
{
	return value == 0 && l != LIMIT_SWAPPINESS && l != LIMIT_CPU_IDLE;
}

static int put(struct cgroup *cg, const char *hierarchy, const char *file, int64_t value,
	       struct err *err)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	return cgroup_write(cg, hierarchy, file, text, err);
}

#define MEMORY_FILE "memory.limit_in_bytes"
#define SWAP_FILE   "memory.memsw.limit_in_bytes"

/* Swap accounting may be off in the kernel: the memory limit itself holds. */
static int put_swap(struct cgroup *cg, int64_t value, struct err *err)
{
	struct err own = ERR_NULL;
	int r = value ? put(cg, "memory", SWAP_FILE, value, &own) : 0;

	if (r < 0 && r != -ENOENT && err)
		*err = own;
	return r == -ENOENT ? 0 : r;
}

/* The limit of both together is never below that of memory: what is raised is raised first. */
static int write_memory(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	int64_t memory = res->limit[LIMIT_MEMORY], both = res->limit[LIMIT_MEMORY_SWAP], now;
	bool raised = both < 0 || (cgroup_read(cg, "memory", SWAP_FILE, &now) == 0 && both > now);
	int r = raised ? put_swap(cg, both, err) : 0;

	if (!r && memory)
		r = put(cg, "memory", MEMORY_FILE, memory, err);
	if (r == -EBUSY)
		return err_set(err, ERR_PRECONDITION,
			       "the container uses more memory than %" PRId64 " bytes", memory);
	return r || raised ? r : put_swap(cg, both, err);
}

static int write_limits(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	int r = res->set[LIMIT_MEMORY] || res->set[LIMIT_MEMORY_SWAP] ? write_memory(cg, res, err)
								      : 0;

	for (size_t i = 0; !r && i < ARRAY_LEN(files); i++) {
		int64_t value = res->limit[files[i].limit];

		if (!res->set[files[i].limit] || is_default(files[i].limit, value))
			continue;
		if (files[i].limit == LIMIT_PIDS && value < 0)
			r = cgroup_write(cg, "pids", files[i].file, "max", err);
		else
			r = put(cg, files[i].hierarchy, files[i].file, value, err);
	}
	return r;
}

enum { CPUSET_MAX = 4096 };

/* The file's text in the group that is the first `n` characters of the path. 0 or -errno. */
static int cpuset_read(const struct cgroup *cg, size_t n, const char *file, char text[CPUSET_MAX])
{
	char path[CGROUP_PATH_MAX + 64];
	ssize_t got;

	(void)snprintf(path, sizeof(path), "cpuset/%.*s/%s", (int)n, cg->path, file);
	cleanup_fd int fd = openat(cg->root_fd, path, O_RDONLY | O_CLOEXEC);

	got = fd < 0 ? -1 : read(fd, text, CPUSET_MAX - 1);
	if (got < 0)
		return -errno;
	text[got] = 0;
	return 0;
}

/* A fresh v1 cpuset is empty and takes no process. So each group above that is still empty gets what the one above it
 * has; *text is in the end what the container's own inherits. */
static int cpuset_inherit(struct cgroup *cg, const char *file, char text[CPUSET_MAX],
			  struct err *err)
{
	int r = cpuset_read(cg, 0, file, text);

	for (char *p = cg->path; !r && (p = strchr(p, '/')); p++) {
		char own[CPUSET_MAX];

		r = cpuset_read(cg, (size_t)(p - cg->path), file, own);
		if (!r && own[0] && own[0] != '\n') {
			memcpy(text, own, sizeof(own));
			continue;
		}
		*p = 0;
		r = r ? r : cgroup_write(cg, "cpuset", file, text, NULL);
		*p = '/';
	}
	return r ? err_sys(err, r, "read %s", file) : 0;
}

static int write_cpuset(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	static const char *const names[] = { "cpuset.cpus", "cpuset.mems" };
	const char *const values[] = { res->cpus, res->mems };
	int r = 0;

	if (!cgroup_has(cg, "cpuset"))
		return 0;
	for (size_t i = 0; !r && i < 2; i++) {
		char text[CPUSET_MAX], own[CPUSET_MAX];

		if (!values[i] && !cpuset_read(cg, strlen(cg->path), names[i], own) && own[0] &&
		    own[0] != '\n')
			continue; /* it has some, and they stay */
		r = cpuset_inherit(cg, names[i], text, err);
		r = r ? r
		      : cgroup_write(cg, "cpuset", names[i],
				     values[i] && *values[i] ? values[i] : text, err);
	}
	return r;
}

static int write_throttle(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	static const char *const names[THROTTLE_COUNT] = {
		[THROTTLE_RBPS] = "blkio.throttle.read_bps_device",
		[THROTTLE_WBPS] = "blkio.throttle.write_bps_device",
		[THROTTLE_RIOPS] = "blkio.throttle.read_iops_device",
		[THROTTLE_WIOPS] = "blkio.throttle.write_iops_device",
		[THROTTLE_WEIGHT] = "blkio.bfq.weight_device",
	};
	int r = 0;

	for (size_t i = 0; !r && i < res->n_throttle; i++) {
		const struct plan_throttle_rule *t = &res->throttle[i];
		char text[64];

		(void)snprintf(text, sizeof(text), "%u:%u %" PRIu64, t->major, t->minor, t->rate);
		r = cgroup_write(cg, "blkio", names[t->kind], text, err);
	}
	return r;
}

static int device_write(int fd, const char *text, struct err *err)
{
	size_t n = strlen(text);

	return write(fd, text, n) == (ssize_t)n
		       ? 0
		       : err_sys(err, errno, "write device rule \"%s\"", text);
}

static void device_text(const struct plan_device_rule *d, char out[64])
{
	char major[24] = "*", minor[24] = "*";

	if (d->major >= 0)
		(void)snprintf(major, sizeof(major), "%" PRId64, d->major);
	if (d->minor >= 0)
		(void)snprintf(minor, sizeof(minor), "%" PRId64, d->minor);
	(void)snprintf(out, 64, "%c %s:%s %s", d->type, major, minor, d->access);
}

/* What every container may use whatever the list says. */
static const char *const always[] = {
	"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm",   "c 1:7 rwm",
	"c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 136:* rwm", "c 5:2 rwm",
};

/* The bit of a rule that is one of those, 0 of another. */
static unsigned always_bit(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (strcmp(always[i], text) == 0)
			return 1u << i;
	return 0;
}

static int write_devices(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	char path[CGROUP_PATH_MAX + 64];
	bool restricted = false;
	unsigned given = 0; /* of `always`, and not denied since */
	int r = 0;

	if (!res->n_devices)
		return 0;
	(void)snprintf(path, sizeof(path), "devices/%s/devices.allow", cg->path);
	cleanup_fd int allow = openat(cg->root_fd, path, O_WRONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "devices/%s/devices.deny", cg->path);
	cleanup_fd int deny = openat(cg->root_fd, path, O_WRONLY | O_CLOEXEC);
	if (allow < 0 || deny < 0)
		return err_sys(err, errno, "open the cgroup's device list");
	for (size_t i = 0; !r && i < res->n_devices; i++) {
		const struct plan_device_rule *d = &res->devices[i];
		char text[64];

		device_text(d, text);
		r = device_write(d->allow ? allow : deny, d->type == 'a' ? "a" : text, err);
		restricted = d->type == 'a' ? !d->allow : restricted;
		given = d->allow ? given | always_bit(text) : 0;
	}
	for (size_t i = 0; !r && restricted && i < ARRAY_LEN(always); i++)
		if (!(given & 1u << i))
			r = device_write(allow, always[i], err);
	return r;
}

static int limit(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	int r = write_limits(cg, res, err);

	r = r ? r : write_cpuset(cg, res, err);
	r = r ? r : write_throttle(cg, res, err);
	return r ? r : write_devices(cg, res, err);
}

static int freeze(struct cgroup *cg, bool frozen, struct err *err)
{
	return cgroup_write(cg, "freezer", "freezer.state", frozen ? "FROZEN" : "THAWED", err);
}

const struct cgroup_ops cgroup_v1_ops = {
	.version = 1,
	.discover = discover,
	.limit = limit,
	.freeze = freeze,
	.entry = "tasks",
	.procs_in = "pids",
};
