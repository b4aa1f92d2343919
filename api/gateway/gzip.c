/* SPDX-License-Identifier: Apache-2.0 */
#include "gzip.h"

#include <errno.h>
#include <stdbool.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, LEVEL = 1, MEMORY = 8, STEP_BYTES = 64 << 10, TOO_LONG = 100 };

static z_stream stream_of(const void *data, size_t n)
{
	return (z_stream){ .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)n };
}

/* Room for at most a step behind what there is, no more than the buffer may hold; 0 = it is full. */
static int offer(struct buf *out, z_stream *z)
{
	size_t room = STEP_BYTES;
	int r;

	if (out->max && out->max - out->len < room)
		room = out->max - out->len;
	r = buf_reserve(out, room);
	z->next_out = r == 0 ? (Bytef *)out->data + out->len : NULL;
	z->avail_out = (uInt)room;
	return r;
}

/* Of a full buffer's stream the end may still come, but no byte. */
static int finish(z_stream *z, int (*step)(z_stream *z, int flush), int flush)
{
	Bytef beyond;
	int result;

	do {
		z->next_out = &beyond;
		z->avail_out = sizeof(beyond);
		result = step(z, flush);
	} while (result == Z_OK && z->avail_out);
	return z->avail_out ? result : TOO_LONG;
}

/* Runs `step` until the end of the stream. */
static int transfer(struct buf *out, z_stream *z, int (*step)(z_stream *z, int flush), int flush)
{
	int result = Z_OK;

	while (result == Z_OK) {
		int r = offer(out, z);
		size_t offered = z->avail_out;

		if (r < 0)
			return r;
		result = offered ? step(z, flush) : finish(z, step, flush);
		if (result == TOO_LONG)
			return -EMSGSIZE;
		if (offered)
			out->len += offered - z->avail_out;
		out->data[out->len] = '\0';
	}
	return result == Z_STREAM_END ? 0 : result == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

int gzip_compress(struct buf *out, const void *data, size_t n)
{
	z_stream z = stream_of(data, n);
	int r;

	if (n > UINT32_MAX)
		return -EMSGSIZE;
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	r = transfer(out, &z, deflate, Z_FINISH);
	deflateEnd(&z);
	return r;
}

int gzip_expand(struct buf *out, const void *data, size_t n)
{
	z_stream z = stream_of(data, n);
	bool all;
	int r;

	if (n > UINT32_MAX)
		return -EMSGSIZE;
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	r = transfer(out, &z, inflate, Z_NO_FLUSH);
	all = z.avail_in == 0;
	inflateEnd(&z);
	return r == 0 && !all ? -EBADMSG : r;
}
