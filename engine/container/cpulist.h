/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of processors and memory nodes as the kernel writes them (cpuset(7)): "0-3,7". Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum { CPULIST_MAX = 8192 }; /* numbers are below it, as the kernel's are */

struct cpulist {
	uint64_t bits[CPULIST_MAX / 64];
};

/* "" is the empty list. -EINVAL. A line end may follow. */
int cpulist_parse(const char *text, struct cpulist *list) must_check;
size_t cpulist_count(const struct cpulist *list);
/* Whether all of `part` are in `whole`. */
bool cpulist_within(const struct cpulist *part, const struct cpulist *whole);
