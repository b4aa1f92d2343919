/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for handlers: jobs of the bounded class wait for one of `limit` places, the others get a
 * thread at once. Idle threads are used again and end after ten seconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "list.h"

struct pool;

struct job {
	struct list link;
	void (*run)(struct job *job);
	bool bounded;
};

int pool_new(struct pool **out, unsigned limit, unsigned max_streams,
	     size_t stack_bytes) must_check;
/* Queues a job; never blocks. -EAGAIN when no thread can be had for it (the job does not run). */
int pool_run(struct pool *pool, struct job *job) must_check;
/* Waits for all jobs, ends the threads, frees. */
void pool_free(struct pool *pool);
