/* SPDX-License-Identifier: Apache-2.0 */
/* What the root of a user namespace may not do: open what only the host's root can reach, let mounts map ids, make an overlay
 * whose marks other containers understand, and devices. And what nobody may do in a pid namespace that others are in: mount
 * its /proc. It is done outside, before the container's first process is there, and comes to it as descriptors of detached
 * mounts. */
#pragma once

#include "err.h"
#include "plan.h"

struct outside {
	int root;    /* the root file system */
	int nodes;   /* a file system with the devices: nodes.h */
	int *mounts; /* of each of the plan's mounts, -1 = it is not prepared; NULL = none is */
	size_t n;
};
#define OUTSIDE_NULL ((struct outside){ .root = -1, .nodes = -1 })

/* userns: the container's; with -1 only the mounts of layers and those that have maps of their own. pidns: the one that is
 * joined, -1 = none. In the bundle's directory. Blocks as mounting does. */
int outside_prepare(struct outside *out, const struct plan *p, int userns, int pidns,
		    struct err *err) must_check;
void outside_close(struct outside *out);
