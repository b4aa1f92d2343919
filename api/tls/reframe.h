/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of SP over TCP have a length of 8 bytes before them, over a UNIX socket a byte 1 before that
 * (nng's ipc transport); both begin with a hello of 8 bytes. Turns a stream of one into one of the other,
 * however it is cut. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum { REFRAME_TO_IPC = 1, REFRAME_TO_TCP };

struct reframe {
	int direction;       /* set by the caller, the rest 0 */
	uint8_t hello, head; /* bytes of it that have passed */
	uint64_t size, left; /* of the message */
};

/* Writes what becomes of in[n] to `out`, which has room for 2 * n bytes. Returns the bytes written, or
 * -EPROTO. */
ptrdiff_t reframe(struct reframe *state, const uint8_t *in, size_t n, uint8_t *out) must_check;
