/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that stays for several jobs of one kind, one after the other: starting and confining one takes longer
 * than a small job. What a job can see comes with it, and is closed when it is done. Over a SEQPACKET socket a
 * job is a message of one byte with two descriptors, the stream and the directory; the answer is its result as
 * text. */
#pragma once

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "workerjob.h"

/* The word before the job's name on the worker's command line. */
#define WORKER_STAYS "stay"

struct standing {
	struct worker worker;
	int sock;
};
#define STANDING_NULL ((struct standing){ WORKER_NULL, -1 })

/* Starts BIN/cleat-worker for the job that `words` name, with what it is told each time (NULL-terminated); it is
 * confined to dir_fd (borrowed), which should be empty. It ends with the thread that calls this at the latest. Does
 * not wait for it. */
int standing_start(struct standing *s, const char *bin_dir, const char *const *words, int dir_fd,
		   struct err *err) must_check;
/* The next job, with what it reads or writes and its directory (both borrowed); the worker cannot leave the
 * directory. standing_take() comes before the next. */
int standing_give(struct standing *s, int stream_fd, int dir_fd, struct err *err) must_check;
/* Waits for its end; as worker_finish(). After INTERNAL the worker may be gone. Blocks. */
int standing_take(struct standing *s, struct buf *lines, struct err *err) must_check;
/* Ends it whatever it does. For cleanup(). */
void standing_deinit(struct standing *s);
