/* SPDX-License-Identifier: Apache-2.0 */
/* The /proc of a pid namespace that the caller is not in. */
#pragma once

#include "err.h"
#include "plan.h"

/* A detached mount with the options of `m`; an owned descriptor. Of the namespace pidns, which the plan names by
 * `path`. */
int procfs_of(int pidns, const char *path, const struct plan_mount *m, struct err *err) must_check;
