/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that a client sends, for a worker that runs meanwhile. Blocks on both. */
#pragma once

#include <stddef.h>

#include "err.h"
#include "mem.h"

/* Who gives them: 1 with bytes that are borrowed until the next call, 0 at the end, -errno. */
struct feed_source {
	int (*next)(void *ctx, const void **data, size_t *n, struct err *err);
	void *ctx;
};

/* Sends all to the socket. 0 once all is sent, 1 when its other end takes no more (the worker says why), -errno
 * when no more comes. */
int feed_socket(int sock, const struct feed_source *source, struct err *err) must_check;

enum { FEED_BLOCK = 128 << 10 };

/* A file, from where it stands, as a source: `next` is feed_file_next. */
struct feed_file {
	int fd; /* borrowed */
	char block[FEED_BLOCK];
};
int feed_file_next(void *ctx, const void **data, size_t *n, struct err *err) must_check;
/* Keeps all that comes in a new file of the directory, which is unlinked: an owned descriptor at its start. */
int feed_spool(int dir_fd, const struct feed_source *source, struct err *err) must_check;
