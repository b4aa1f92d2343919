/* SPDX-License-Identifier: Apache-2.0 */
/* The container's devices: the few that are in every /dev, and the plan's. */
#pragma once

#include "err.h"
#include "plan.h"

/* Makes them below the container's root, with the links of /dev. nodes: nodes_outside()'s, mounted in the caller's mount
 * namespace, whose devices are bound instead; -1 = none. */
int nodes_make(const struct plan *p, int root, int nodes, struct err *err) must_check;

/* A file system with all of them, for a container that may make none; an owned descriptor of its detached mount. Their
 * owners are the host's ids. */
int nodes_outside(const struct plan *p, struct err *err) must_check;
