/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs for cleat-worker, as the engine starts them. */
#pragma once

#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "mem.h"

struct worker {
	pid_t pid;
	int result_fd;
};
#define WORKER_NULL ((struct worker){ 0, -1 })

/* Starts BIN/cleat-worker on `job` ("load", "layer"); in_fd and dir_fd are borrowed. */
int worker_start(struct worker *worker, const char *bin_dir, const char *job, int in_fd, int dir_fd,
		 struct err *err) must_check;
enum { WORKER_EXTRA = 6, WORKER_EXTRA_MAX = 1024 };

/* A job with more than that. */
struct worker_call {
	const char *job;
	const char *const *words; /* behind the job's name, NULL-terminated; NULL = none */
	int stream_fd;            /* what it reads or writes */
	int dir_fd;
	const int *extra; /* the worker has them as WORKER_EXTRA and following */
	size_t n_extra;
};
/* Everything is borrowed. */
int worker_start_call(struct worker *worker, const char *bin_dir, const struct worker_call *call,
		      struct err *err) must_check;
/* Waits for its end; the lines of its result (without the last) are in *lines. Its own error, or
 * INTERNAL when it died. Blocks. */
int worker_finish(struct worker *worker, struct buf *lines, struct err *err) must_check;
/* Cuts the last line off a worker's result and returns what it says. Pure. */
int worker_verdict(struct buf *lines, struct err *err) must_check;
/* Ends it if it still runs. For cleanup(). */
void worker_deinit(struct worker *worker);
