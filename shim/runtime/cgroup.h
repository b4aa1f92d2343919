/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup: one directory per hierarchy on v1, one directory on v2. All calls block
 * only as the kernel does. */
#pragma once

#include "err.h"
#include "plan.h"

enum { CGROUP_HIERARCHIES_MAX = 24, CGROUP_PATH_MAX = 1024 };

struct cgroup_ops;

struct cgroup {
	const struct cgroup_ops *ops;
	int root_fd;                            /* the mount point, owned */
	char path[CGROUP_PATH_MAX];             /* below each hierarchy, no leading slash */
	char names[CGROUP_HIERARCHIES_MAX][32]; /* directory of each hierarchy, "" on v2 */
	size_t n;
};

/* One implementation per cgroup version. */
struct cgroup_ops {
	int version;
	/* Fills in names and n. */
	int (*discover)(struct cgroup *cg, struct err *err);
	int (*limit)(struct cgroup *cg, const struct plan_resources *res, struct err *err);
	int (*freeze)(struct cgroup *cg, bool frozen, struct err *err);
	const char *entry;    /* file a process joins by writing "0" */
	const char *procs_in; /* hierarchy whose cgroup.procs lists the container */
};
extern const struct cgroup_ops cgroup_v1_ops, cgroup_v2_ops;

/* Finds out the version and, without touching anything, what cgroup `path` means. */
int cgroup_open(struct cgroup *cg, const char *path, struct err *err) must_check;
void cgroup_close(struct cgroup *cg);

/* Makes the directories and writes the limits. Removes what it made when it fails. */
int cgroup_create(struct cgroup *cg, const struct plan_resources *res, struct err *err) must_check;

/* Writes limits to an existing cgroup with processes in it; what is not set stays. */
int cgroup_update(struct cgroup *cg, const struct plan_resources *res, struct err *err) must_check;

/* Descriptors through which a single-threaded process enters by cgroup_enter(); hierarchies in
 * which the directory does not exist are left out. Owned by the caller. */
int cgroup_entries(const struct cgroup *cg, int *fds, size_t *n, struct err *err) must_check;
/* Moves the calling process. Writing "0" to v1's `tasks` moves one thread and so needs no wait for
 * all processors as `cgroup.procs` does. */
int cgroup_enter(const int *fds, size_t n, struct err *err) must_check;
/* Directory for CLONE_INTO_CGROUP; v2 only. */
int cgroup_dir(const struct cgroup *cg, struct err *err) must_check;

/* Sends `sig` to every process inside. 0 also when there is none. */
int cgroup_kill(const struct cgroup *cg, int sig, struct err *err) must_check;
int cgroup_freeze(struct cgroup *cg, bool frozen, struct err *err) must_check;
/* Pids inside as the caller's pid namespace sees them, owned array. */
int cgroup_pids(const struct cgroup *cg, pid_t **pids, size_t *n, struct err *err) must_check;
/* Removes the directories, those of nested cgroups too; waits up to 2 s for dying processes. */
int cgroup_delete(struct cgroup *cg, struct err *err) must_check;

/* For the implementations: writes text to `file` of a hierarchy's directory. */
int cgroup_write(const struct cgroup *cg, const char *hierarchy, const char *file, const char *text,
		 struct err *err) must_check;
/* The number in `file`, INT64_MAX for "max" and what exceeds it; -errno when it cannot be read. */
int cgroup_read(const struct cgroup *cg, const char *hierarchy, const char *file,
		int64_t *value) must_check;
/* Whether the container has a directory in the hierarchy, and on v2 a file. */
bool cgroup_has(const struct cgroup *cg, const char *hierarchy);
bool cgroup_has_file(const struct cgroup *cg, const char *file);
