/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker says of a path before its bytes: "SIZE MODE SECONDS NANOSECONDS\\n", its name, what it links to, each with a
 * NUL behind it. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum { PATHHEAD_MAX = 16 << 10 };

struct pathhead {
	uint64_t size_bytes;
	uint32_t mode;                  /* st_mode */
	int64_t mtime_ns;               /* the nearest that it can be */
	const char *name, *link_target; /* in what was parsed */
	size_t len;                     /* of all this */
};

/* 0; -EAGAIN when there is more to come; -EBADMSG when it is none, or longer than PATHHEAD_MAX. */
int pathhead_parse(const char *text, size_t n, struct pathhead *out) must_check;
