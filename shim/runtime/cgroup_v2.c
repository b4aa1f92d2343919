/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v2: one directory. The specification's numbers are v1's and are converted (cgroup_convert.h). Controllers
 * are enabled in every directory from the root down to the parent. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "cgroup_convert.h"
#include "cgroup_devices.h"

/* Controllers the kernel lacks are simply not enabled: a limit that needs one fails by name. */
static void enable(const struct cgroup *cg, const char *dir)
{
	static const char *const names[] = { "+cpu", "+memory", "+pids", "+io", "+cpuset" };
	struct cgroup at = *cg;

	(void)snprintf(at.path, sizeof(at.path), "%s", *dir ? dir : ".");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)!cgroup_write(&at, "", "cgroup.subtree_control", names[i], NULL);
}

static int discover(struct cgroup *cg, struct err *err)
{
	(void)err;
	cg->names[0][0] = 0;
	cg->n = 1;
	return 0;
}

static int put(struct cgroup *cg, const char *file, int64_t value, struct err *err)
{
	char text[32] = "max";

	if (value >= 0)
		(void)snprintf(text, sizeof(text), "%" PRId64, value);
	return cgroup_write(cg, "", file, text, err);
}

/* The kernel kills at once where more is used than a new limit allows. So first it is made to let go of what it can,
 * and if that does not do, the limit is refused, as v1 does. */
static int shrink(struct cgroup *cg, int64_t memory, struct err *err)
{
	int64_t used, high = INT64_MAX;
	int r;

	if (memory < 0 || cgroup_read(cg, "", "memory.current", &used) < 0 || used <= memory)
		return 0;
	(void)!cgroup_read(cg, "", "memory.high", &high);
	r = put(cg, "memory.high", memory, err);
	if (!r && cgroup_read(cg, "", "memory.current", &used) == 0 && used > memory)
		r = err_set(err, ERR_PRECONDITION,
			    "the container uses more memory than %" PRId64 " bytes", memory);
	(void)!put(cg, "memory.high", high == INT64_MAX ? -1 : high, NULL);
	return r;
}

static int write_memory(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	int64_t memory = res->limit[LIMIT_MEMORY], both = res->limit[LIMIT_MEMORY_SWAP];
	int64_t low = res->limit[LIMIT_MEMORY_RESERVATION];
	struct err own = ERR_NULL;
	int r = memory ? shrink(cg, memory, err) : 0;

	if (!r && memory)
		r = put(cg, "memory.max", memory, err);
	if (!r && both && (both < 0 || (memory > 0 && both >= memory))) {
		r = put(cg, "memory.swap.max", cgroup_swap(both, memory), &own);
		if (r == -ENOENT) /* a kernel without swap */
			r = 0;
		else if (r && err)
			*err = own;
	}
	return r || !low ? r : put(cg, "memory.low", low < 0 ? 0 : low, err);
}

static int write_cpu(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	int64_t shares = res->limit[LIMIT_CPU_SHARES], quota = res->limit[LIMIT_CPU_QUOTA];
	int64_t period = res->limit[LIMIT_CPU_PERIOD];
	char text[64];
	int r = shares > 0 ? put(cg, "cpu.weight", cgroup_cpu_weight(shares), err) : 0;

	if (!r && (quota || period)) {
		if (quota > 0)
			(void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, quota,
				       period ? period : 100000);
		else
			(void)snprintf(text, sizeof(text), "max %" PRId64,
				       period ? period : 100000);
		r = cgroup_write(cg, "", "cpu.max", text, err);
	}
	if (!r && res->limit[LIMIT_CPU_IDLE])
		r = put(cg, "cpu.idle", res->limit[LIMIT_CPU_IDLE], err);
	return r;
}

/* bfq has v1's scale; without it there is the cost model's. */
static int write_weight(struct cgroup *cg, const char *device, int64_t weight, struct err *err)
{
	bool bfq = cgroup_has_file(cg, "io.bfq.weight");
	char text[64];

	(void)snprintf(text, sizeof(text), "%s %" PRId64, device,
		       bfq ? weight : cgroup_io_weight(weight));
	return cgroup_write(cg, "", bfq ? "io.bfq.weight" : "io.weight", text, err);
}

/* Some devices have no weights, like loops. */
static int weight_device(struct cgroup *cg, const char *device, const struct plan_throttle_rule *t,
			 struct err *err)
{
	struct err own = ERR_NULL;
	int r = write_weight(cg, device, (int64_t)t->rate, &own);

	if (r < 0 && r != -EOPNOTSUPP && err)
		*err = own;
	return r == -EOPNOTSUPP ? 0 : r;
}

static int write_io(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	static const char *const keys[THROTTLE_COUNT] = {
		[THROTTLE_RBPS] = "rbps",
		[THROTTLE_WBPS] = "wbps",
		[THROTTLE_RIOPS] = "riops",
		[THROTTLE_WIOPS] = "wiops",
	};
	int64_t weight = res->limit[LIMIT_BLKIO_WEIGHT];
	int r = weight > 0 ? write_weight(cg, "default", weight, err) : 0;

	for (size_t i = 0; !r && i < res->n_throttle; i++) {
		const struct plan_throttle_rule *t = &res->throttle[i];
		char text[96];

		if (t->kind == THROTTLE_WEIGHT) {
			(void)snprintf(text, sizeof(text), "%u:%u", t->major, t->minor);
			r = weight_device(cg, text, t, err);
			continue;
		}
		(void)snprintf(text, sizeof(text), "%u:%u %s=%" PRIu64, t->major, t->minor,
			       keys[t->kind], t->rate);
		r = cgroup_write(cg, "", "io.max", text, err);
	}
	return r;
}

/* An empty line gives those of the group above back. */
static int write_cpuset(struct cgroup *cg, const char *file, const char *list, struct err *err)
{
	if (!list || (!*list && !cgroup_has_file(cg, file)))
		return 0;
	return cgroup_write(cg, "", file, *list ? list : "\n", err);
}

static int limit(struct cgroup *cg, const struct plan_resources *res, struct err *err)
{
	int r;

	enable(cg, "");
	for (char *p = cg->path; (p = strchr(p, '/')); p++) {
		*p = 0;
		enable(cg, cg->path);
		*p = '/';
	}
	r = write_memory(cg, res, err);
	r = r ? r : write_cpu(cg, res, err);
	r = r ? r : write_io(cg, res, err);
	if (!r && res->limit[LIMIT_PIDS])
		r = put(cg, "pids.max", res->limit[LIMIT_PIDS], err);
	r = r ? r : write_cpuset(cg, "cpuset.cpus", res->cpus, err);
	r = r ? r : write_cpuset(cg, "cpuset.mems", res->mems, err);
	for (size_t i = 0; !r && i < res->n_unified; i++)
		r = cgroup_write(cg, "", res->unified[i].key, res->unified[i].value, err);
	return r || !res->n_devices ? r : cgroup_devices_attach(cg, res, err);
}

static int freeze(struct cgroup *cg, bool frozen, struct err *err)
{
	return cgroup_write(cg, "", "cgroup.freeze", frozen ? "1" : "0", err);
}

const struct cgroup_ops cgroup_v2_ops = {
	.version = 2,
	.discover = discover,
	.limit = limit,
	.freeze = freeze,
	.entry = "cgroup.procs",
	.procs_in = "",
};
