/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts whose ids are those of a user namespace (mount_setattr(2), MOUNT_ATTR_IDMAP), detached. Block as mounting does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"
#include "plan.h"

enum { MAPPED_NAME_LEN = 32 };

/* Maps the ids of a mount, with `recursive` of those below it too. 0, or -errno; code PRECONDITION names
 * `what`, whose file system takes no such mounts. */
int mapped_tree(int tree, int userns, bool recursive, const char *what, struct err *err) must_check;
/* A copy of the mount at the path with its ids mapped: an owned descriptor, or -errno as of mapped_tree(). */
int mapped_copy(int at, const char *path, int userns, const char *what, struct err *err) must_check;

/* An overlay's lower layers, topmost first: with userns -1 as they are given, else mapped copies that `lower` names by
 * their descriptors. All owned. */
struct mapped_layers {
	const char **lower;
	int *fds; /* -1 = no copy */
	char (*names)[MAPPED_NAME_LEN];
	size_t n;
};
int mapped_layers_open(struct mapped_layers *l, const struct plan_strings *lower, int userns,
		       struct err *err) must_check;
/* Works on a half-made one. For cleanup(). */
void mapped_layers_deinit(struct mapped_layers *l);
