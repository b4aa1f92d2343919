/* SPDX-License-Identifier: Apache-2.0 */
/* Between a dying engine and its client there may be a call's window, the engine's buffers and a
 * socket's: RECENT_MAX is more than all of them, so a client that comes back by another engine misses
 * nothing. What is older goes record by record. */
#include <string.h>

#include "shim.h"

enum { RECENT_MAX = 1 << 20, HEAD_BYTES = 5 };

static uint32_t length_at(const struct recent *recent, size_t at)
{
	uint32_t n;

	memcpy(&n, recent->records.data + at + 1, sizeof(n));
	return n;
}

/* Makes room in one move a quarter of the whole at a time. */
static void drop_old(struct recent *recent)
{
	size_t at = 0;

	while (at < RECENT_MAX / 4 && at < recent->records.len) {
		uint32_t n = length_at(recent, at);

		recent->from += n;
		at += HEAD_BYTES + n;
	}
	buf_consume(&recent->records, at);
}

void recent_locate(struct recent *recent, uint64_t position)
{
	if (!recent->adopted)
		return;
	recent->adopted = false;
	recent->from += position;
	recent->position += position;
}

void recent_add(struct recent *recent, uint8_t stream, const char *data, size_t n)
{
	uint32_t len = (uint32_t)n;

	if (recent->records.len + HEAD_BYTES + n > RECENT_MAX)
		drop_old(recent);
	buf_append(&recent->records, &stream, 1);
	buf_append(&recent->records, &len, sizeof(len));
	buf_append(&recent->records, data, n);
	recent->position += n;
	if (recent->records.error) { /* no memory: nothing to replay, but the count goes on */
		buf_deinit(&recent->records);
		recent->from = recent->position;
	}
}

bool recent_replay(const struct recent *recent, uint64_t position, struct session *session)
{
	uint64_t here = recent->from;

	for (size_t at = 0; at < recent->records.len;) {
		Cleat__Shim__V1__StreamFrame frame = CLEAT__SHIM__V1__STREAM_FRAME__INIT;
		uint32_t n = length_at(recent, at);
		uint64_t skip = position > here ? position - here : 0;

		if (skip < n) {
			frame.stream = (uint8_t)recent->records.data[at];
			frame.position = here + skip;
			frame.data.data = (uint8_t *)recent->records.data + at + HEAD_BYTES + skip;
			frame.data.len = n - skip;
			if (!session_frame(session, &frame))
				return false;
		}
		here += n;
		at += HEAD_BYTES + n;
	}
	return true;
}
