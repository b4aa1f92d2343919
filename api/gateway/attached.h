/* SPDX-License-Identifier: Apache-2.0 */
/* Who is attached to which container: who waits for its end is told of it when those who read its output have all of it,
 * as by dockerd. Thread-safe. */
#pragma once

#include <stdint.h>

#include "list.h"

enum { ATTACHED_WAIT_MS = 2000 }; /* for one that does not read, as dockerd has it */

struct attached {
	struct list link;
	char id[65];
	uint64_t exits; /* of the container when it began */
};

/* Of the container `id`, which has ended `exits` times so far. Until attached_end(). Never blocks. */
void attached_begin(struct attached *attached, const char *id, uint64_t exits);
/* A zeroed one is fine. */
void attached_end(struct attached *attached);
/* Blocks until nobody is attached any more since before the exit number `exits` of the container, or as long as is
 * waited for one that does not read. */
void attached_await(const char *id, uint64_t exits);
