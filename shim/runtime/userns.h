/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces as descriptors (user_namespaces(7)): a container's, and those that only tell how a mount maps
 * ids. The caller stays in its own and keeps its privileges there. */
#pragma once

#include <linux/sched.h>
#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "plan.h"

/* Whether the plan has one, new or joined. */
bool userns_wanted(const struct plan *p);

/* A new one with these maps; an owned descriptor. Blocks for a moment. */
int userns_make(const struct plan_idmaps *uid, const struct plan_idmaps *gid,
		struct err *err) must_check;

/* The one that the plan names, an owned descriptor. A path that leads to a namespace of another kind stands for
 * the user namespace that owns it. */
int userns_open(const char *path, struct err *err) must_check;

/* The host's number of an id in the namespace; UINT32_MAX = it has none. */
uint32_t userns_host_id(const struct plan_idmaps *map, uint32_t id);

/* Lets a detached mount show its ids as the user namespace maps them; `recursive`: and all that are mounted below it. Returns
 * 0 or -errno: EINVAL for a file system that cannot, EPERM for a mount that does so already. */
int userns_map_mount(int tree, int userns, bool recursive) must_check;

/* clone3(2) by a process inside `userns`, so that it owns the child's other new namespaces. The child is the caller's
 * own: 0 is returned to it, and its pid to the caller. CLONE_PIDFD and exit_signal are not the caller's to choose: its
 * end is told by SIGCHLD. The limits and the badness that `process` asks for are set as far as the child may not do it
 * itself. */
pid_t userns_clone(const struct clone_args *args, int userns, const struct plan_process *process,
		   struct err *err) must_check;
