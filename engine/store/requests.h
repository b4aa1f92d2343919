/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of calls that were carried out. A client whose engine died before it answered repeats its
 * call under the same key; what is known here is answered and not done again. Rows go after
 * REQUESTS_KEEP_S, long after the last client gave up. All functions block on the store only. */
#pragma once

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "mem.h"

struct store;

enum {
	REQUESTS_KEEP_S = 600,
	REQUESTS_KEY_MAX = 128, /* with the terminating NUL */
};

/* Remembers the call of `key` ("": nothing happens) and its packed reply, in place of what was known of
 * it. Joins the transaction of the caller, if there is one. */
int requests_remember(struct store *store, const char *key, const void *reply, size_t len,
		      struct err *err) must_check;

/* 1 = known; its reply is appended to `reply` (NULL = not wanted). 0 = not known, or no key. */
int requests_recall(struct store *store, const char *key, struct buf *reply,
		    struct err *err) must_check;
