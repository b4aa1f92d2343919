/* SPDX-License-Identifier: Apache-2.0 */
/* The /proc of a pid namespace that the caller is not in. */
#pragma once

#include "err.h"
#include "plan.h"

/* A detached mount with the options of `m`; an owned descriptor, or -errno. Of the namespace pidns (borrowed), which the
 * plan names by `path`. Before Linux 6.17 code UNIMPLEMENTED for options of proc's own and for a path that is no
 * /proc/PID/ns/pid, PRECONDITION when the process there has no such /proc. Blocks as mounting does. */
int procfs_of(int pidns, const char *path, const struct plan_mount *m, struct err *err) must_check;
