/* SPDX-License-Identifier: Apache-2.0 */
#include "reframe.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { HELLO_BYTES = 8, LENGTH_BYTES = 8, IPC_MARK = 1 };

/* One byte of a message's head. How many bytes it becomes, -EPROTO for a wrong mark. */
static int take_head(struct reframe *s, uint8_t byte, uint8_t *out)
{
	bool mark = s->head == 0;
	int n = 0;

	if (mark && s->direction == REFRAME_TO_IPC) {
		out[n++] = IPC_MARK;
	} else if (mark) {
		s->head = 1;
		return byte == IPC_MARK ? 0 : -EPROTO;
	}
	if (s->direction == REFRAME_TO_IPC)
		s->head = mark ? 2 : (uint8_t)(s->head + 1);
	else
		s->head++;
	s->size = s->size << 8 | byte;
	out[n++] = byte;
	if (s->head == 1 + LENGTH_BYTES) {
		s->left = s->size;
		s->size = 0;
		s->head = 0;
	}
	return n;
}

ptrdiff_t reframe(struct reframe *s, const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t *to = out;

	while (n > 0) {
		size_t part = s->hello < HELLO_BYTES ? (size_t)(HELLO_BYTES - s->hello)
						     : (size_t)(s->left < n ? s->left : n);
		int r;

		if (part > n)
			part = n;
		if (part > 0) {
			memcpy(to, in, part);
			if (s->hello < HELLO_BYTES)
				s->hello = (uint8_t)(s->hello + part);
			else
				s->left -= part;
			to += part;
			in += part;
			n -= part;
			continue;
		}
		r = take_head(s, *in, to);
		if (r < 0)
			return r;
		to += r;
		in++;
		n--;
	}
	return to - out;
}
