/* SPDX-License-Identifier: Apache-2.0 */
/* Several things done at a time for one command, each by a thread, with connections of its own where it needs
 * some. */
#pragma once

#include <stddef.h>

#include "err.h"
#include "mem.h"
#include "registry.h"

enum { CREW_THREADS = 3, CREW_THREADS_MAX = 8, CREW_TICK_MS = 100 };

struct crew {
	struct registry *registry; /* NULL: `run` gets no transfer */
	size_t threads;            /* at a time; 0 = CREW_THREADS */
	/* Where the descriptor goes that is readable once all has to stop, for `run`; NULL = it does not need it. */
	int *stop_fd;
	void **items; /* done in this order */
	size_t n;
	/* One item, in one of the threads. */
	int (*run)(void *ctx, void *item, struct transfer *transfer, struct err *err);
	/* In the caller's thread, now and then and a last time when all is done; other than 0 stops
	 * everything and is the result. */
	int (*tick)(void *ctx, struct err *err);
	void *ctx;
};

/* Blocks until all is done. The first failure stops the others. */
int crew_run(const struct crew *crew, struct err *err) must_check;
