/* SPDX-License-Identifier: Apache-2.0 */
/* When somebody last looked at a container and what its processors' counters were then, so that the next look
 * tells what was used in between. Only who looks adds to it: it is memory of a minute, and no fact. Time
 * comes in with the samples. Thread-safe. */
#pragma once

#include <stdbool.h>

#include "cleat/v1/containers.pb-c.h"
#include "mem.h"

enum { STATSKEEP_MAX_MS = 60000, STATSKEEP_MIN_MS = 100 };

struct statskeep;

/* NULL = no memory. */
struct statskeep *statskeep_new(void) must_check;
/* NULL is fine; returns NULL. */
struct statskeep *statskeep_free(struct statskeep *keep);

/* The state that `now` is best compared with, into *before: that of a look STATSKEEP_MIN_MS to STATSKEEP_MAX_MS
 * ago, else zero at the container's start if that is not longer ago. Borrows id and name of `now`; only time
 * and processors are set. False = there is none. */
bool statskeep_before(struct statskeep *keep, const Cleat__V1__StatsSample *now, int64_t started_ns,
		      Cleat__V1__StatsSample *before);
/* Remembers a look. Without memory it does not. */
void statskeep_put(struct statskeep *keep, const Cleat__V1__StatsSample *now);
