/* SPDX-License-Identifier: Apache-2.0 */
/* A message on a stream is a head (ipc: 0x01; then the length, 8 bytes big-endian), an SP header
 * whose form the protocol of the hello decides, and the body, here always one protobuf Frame. The
 * parser never consumes: the caller keeps bytes until a whole message is there, so that one buffer
 * per connection suffices and its growth follows bytes received, never the length announced. */
#include "frame.h"

#include <errno.h>
#include <string.h>

void frame_hello(uint8_t out[FRAME_HELLO_BYTES], unsigned protocol)
{
	const uint8_t hello[] = { 0, 'S', 'P', 0, 0, (uint8_t)protocol, 0, 0 };

	memcpy(out, hello, sizeof(hello));
}

int frame_parse_hello(const uint8_t in[FRAME_HELLO_BYTES])
{
	if (memcmp(in, "\0SP\0", 4) != 0 || in[4] != 0 || in[6] != 0 || in[7] != 0)
		return -EPROTO;
	return in[5];
}

/* Length of the SP header at the start of a message: PAIR1 has a hop count, a request the stack of
 * its way ending in a word with the top bit set. 0 = none found within n bytes. */
static size_t sp_header(unsigned protocol, const uint8_t *p, size_t n)
{
	if (protocol == SP_PAIR1)
		return n >= 4 ? 4 : 0;
	for (size_t i = 0; i + 4 <= n && i < FRAME_HEADER_MAX; i += 4)
		if (p[i] & 0x80)
			return i + 4;
	return 0;
}

int64_t frame_parse(const struct frame_format *format, const uint8_t *in, size_t n, size_t max,
		    const uint8_t **body, size_t *body_len, uint8_t header[FRAME_HEADER_MAX],
		    size_t *header_len)
{
	size_t head = format->ipc ? 9 : 8;
	uint64_t len = 0;
	size_t sp = 0;

	if (n > 0 && format->ipc && in[0] != 1)
		return -EPROTO;
	if (n < head)
		return 0;
	for (size_t i = head - 8; i < head; i++)
		len = len << 8 | in[i];
	if (len > max + FRAME_HEADER_MAX)
		return -EMSGSIZE;
	if (n - head < len)
		return 0;
	if (format->protocol != SP_PAIR0) {
		sp = sp_header(format->protocol, in + head, (size_t)len);
		if (!sp)
			return -EPROTO;
	}
	if (len - sp > max)
		return -EMSGSIZE;
	if (sp)
		memcpy(header, in + head, sp);
	*header_len = sp;
	*body = in + head + sp;
	*body_len = (size_t)len - sp;
	return (int64_t)(head + len);
}

void frame_append(const struct frame_format *format, struct buf *out,
		  const Cleat__Rpc__V1__Frame *frame, const uint8_t *header, size_t header_len)
{
	static const uint8_t one_hop[4] = { 0, 0, 0, 1 };
	size_t size = cleat__rpc__v1__frame__get_packed_size(frame);
	uint8_t head[9] = { 1 };
	uint64_t len;

	if (format->protocol == SP_PAIR1) {
		header = one_hop;
		header_len = sizeof(one_hop);
	} else if (format->protocol == SP_PAIR0) {
		header_len = 0;
	}
	len = size + header_len;
	for (int i = 0; i < 8; i++)
		head[1 + i] = (uint8_t)(len >> (56 - 8 * i));
	if (buf_reserve(out, sizeof(head) + len) < 0)
		return;
	buf_append(out, format->ipc ? head : head + 1, format->ipc ? 9 : 8);
	if (header_len)
		buf_append(out, header, header_len);
	cleat__rpc__v1__frame__pack(frame, (uint8_t *)out->data + out->len);
	out->len += size;
	out->data[out->len] = 0;
}
