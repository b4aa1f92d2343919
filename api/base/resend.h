/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for a stream that is opened again when it breaks: they are kept until the other side tells that it has them, or
 * once sent, where it tells nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"

enum { RESEND_MAX = 256 << 10 }; /* bytes kept, beyond which no more should be added */

struct resend {
	struct buf kept;
	uint64_t from; /* the position of the first that is kept */
	size_t sent;   /* of those kept, on the stream that is open */
	bool open, counted;
};

#define RESEND_NULL ((struct resend){ .kept = BUF_NULL })

void resend_deinit(struct resend *resend);
/* 0 or -ENOMEM. */
int resend_add(struct resend *resend, const void *data, size_t n) must_check;
/* Whether so much is kept that no more should be added. */
bool resend_full(const struct resend *resend);
/* How many bytes at *data are to be sent now: none while the stream is not open. Borrowed until the next call. */
size_t resend_next(const struct resend *resend, const char **data);
/* They were. */
void resend_sent(struct resend *resend, size_t n);
/* The stream has broken: nothing is sent before it is open again. */
void resend_broken(struct resend *resend);
/* It is open; a side that counts goes on at position `taken`. */
void resend_opened(struct resend *resend, bool counted, uint64_t taken);
/* The other side has all that is before this position. */
void resend_taken(struct resend *resend, uint64_t taken);
