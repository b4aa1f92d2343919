/* SPDX-License-Identifier: Apache-2.0 */
/* What a container has used, read from its cgroup and from procfs when it is asked for: nothing is kept, no
 * lock is taken and no shim is asked. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "mem.h"
#include "record.h"

/* Fills a sample that was initialised and is owned by the caller. Of a container that does not run: id and
 * name. *started_ns (UNIX time) is when it was last started. 0 or -ENOMEM. Blocks on the kernel's files only. */
int stats_read(const struct engine *engine, const struct record *record,
	       Cleat__V1__StatsSample *sample, int64_t *started_ns) must_check;
