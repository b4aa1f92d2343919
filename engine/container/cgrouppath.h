/* SPDX-License-Identifier: Apache-2.0 */
/* Where a container's control group is below each hierarchy: in the engine's own, or in the one of --cgroup-parent. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"

/* Bytes of a path at most, with its NUL. */
enum { CGROUPPATH_PARENT_MAX = 512, CGROUPPATH_MAX = CGROUPPATH_PARENT_MAX + 80 };

/* Of a new container; `parent` is "" for the engine's own. Owned, no leading slash. -EINVAL for what is no path of plain
 * names, or leads into an engine's group. Pure. */
int cgrouppath_make(const struct engine *engine, const char *id, const char *parent, char **path,
		    struct err *err) must_check;
/* Of a container that was made, by its shim.pb. Owned; NULL = no memory. */
char *cgrouppath_of(const struct engine *engine, const char *id) must_check;
