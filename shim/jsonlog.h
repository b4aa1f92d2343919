/* SPDX-License-Identifier: Apache-2.0 */
/* Output as lines of Docker's json-file log. An unfinished line is held, one for each stream, until its
 * newline comes, it has reached 16 KiB (Docker's limit of one entry), or it is flushed; how the output
 * was cut into reads does not show. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"

enum { JSONLOG_LINE_MAX = 16 << 10 };

struct jsonlog {
	struct buf held[2]; /* stdout, stderr */
};

void jsonlog_deinit(struct jsonlog *log);

/* Takes n bytes of `stream` (1, 2) that came at time_ns and appends what is complete to `out` (its
 * error is sticky). */
void jsonlog_take(struct jsonlog *log, uint8_t stream, const char *data, size_t n, int64_t time_ns,
		  struct buf *out);
/* Appends what is held: the container has ended. */
void jsonlog_flush(struct jsonlog *log, int64_t time_ns, struct buf *out);
