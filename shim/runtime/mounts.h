/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is mounted, made or hidden below the container's root, and the change of root.
 * Runs in the container's own mount namespace; nothing shows in the host's. */
#pragma once

#include "cgroup.h"
#include "err.h"
#include "outside.h"
#include "plan.h"

/* Detaches the namespace from the host's propagation and mounts the root (overlay, or the directory
 * itself). bundle_fd must be of this namespace. Returns a descriptor of the root mount. `outside`: what was prepared,
 * used up. */
int rootfs_open(const struct plan *p, int bundle_fd, struct outside *outside,
		struct err *err) must_check;
/* Mounts the plan's overlay on its root below bundle_fd, in the caller's namespace; a descriptor of it. */
int rootfs_overlay(const struct plan *p, int bundle_fd, struct err *err) must_check;
/* Devices, links, sysctls, masked and read-only paths, read-only root. nodes: a directory of the caller's mount
 * namespace with devices (outside.h) that are bound, -1 = they are made. */
int rootfs_finish(const struct plan *p, int root, int nodes, struct err *err) must_check;
/* Makes the root mount the root directory and lets go of the host's. */
int rootfs_pivot(int root, struct err *err) must_check;

/* The bundle's mounts in their order. Those of type cgroup call `entered` first, which returns once
 * the process is in its cgroup. */
struct mounts_env {
	int root, bundle;
	const struct outside *outside;
	const struct cgroup *cgroup;
	int (*entered)(void *ctx, struct err *err);
	void *ctx;
};
int mounts_apply(const struct plan *p, const struct mounts_env *env, struct err *err) must_check;

/* What a bind mount binds, as a detached copy with its options; of the directory `bundle`. */
int mounts_source(const struct plan_mount *m, int bundle, struct err *err) must_check;

/* Gives a detached mount its attributes and propagation; 0 or -errno. */
int mounts_options(int fd, const struct mountopt *o) must_check;
/* The same for a mount of the plan, with words. */
int mounts_set_options(const struct plan_mount *m, int tree, struct err *err) must_check;
/* What follows an option of ours (PLAN_MOUNT_...); NULL = it is not there. */
const char *mounts_own_option(const struct plan_mount *m, const char *option) must_check;

/* Descriptor of a path below the root, made (with its parents) when absent: directory or empty
 * file. Links are followed inside the root only. */
int mounts_target(int root, const char *path, bool directory, struct err *err) must_check;
