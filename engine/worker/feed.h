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
