/* SPDX-License-Identifier: Apache-2.0 */
/* When to ask a server again that did not answer as it should. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

enum {
	BACKOFF_TRIES = 6,
	BACKOFF_MIRROR_TRIES = 2, /* there is another to ask */
	BACKOFF_FIRST_MS = 250,
	BACKOFF_MAX_MS = 10000,
	BACKOFF_ASKED_MAX_MS = 60000
};

/* Whether a reply of this status may be followed by a better one. */
bool backoff_retries(long status);
/* How long to wait before try number `tries` + 1 (1 = one has failed): doubled each time, spread over
 * half its length by `random`, so that many clients do not come back at once. What the server asks for
 * (`asked_ms`, -1 = nothing) counts instead, within reason. */
int64_t backoff_ms(unsigned int tries, int64_t asked_ms, uint32_t random);
/* The value of Retry-After, seconds or an HTTP date, as milliseconds from now_s (UNIX time); -1 = neither. */
int64_t backoff_asked_ms(const char *text, int64_t now_s);
