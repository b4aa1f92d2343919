/* SPDX-License-Identifier: Apache-2.0 */
/* Detach keys: a sequence typed at a terminal that leaves the container running. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { DETACH_MAX = 16 };

struct detach {
	uint8_t keys[DETACH_MAX];
	size_t n_keys; /* 0 = none: nothing detaches */
	size_t matched;
};

/* Reads "ctrl-p,ctrl-q" or "a,b"; a key is a character or ctrl- and one of a-z @ [ ] ^ _ \. NULL is
 * the default, ctrl-p,ctrl-q; "" is none. ERR_INVALID naming the key. */
int detach_parse(struct detach *d, const char *text, struct err *err) must_check;

/* Takes n typed bytes; writes to `out` (room for n + DETACH_MAX bytes) what goes to the container. A
 * beginning of the sequence is held back until it is complete or broken off. True when the sequence
 * is complete; what follows it is dropped. */
bool detach_filter(struct detach *d, const uint8_t *in, size_t n, uint8_t *out, size_t *n_out);
