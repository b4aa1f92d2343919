/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: which format; the rest: a stream of messages. */
#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned protocols[] = { SP_PAIR0, SP_PAIR1, SP_REQ0, SP_PAIR0 };
	struct frame_format format;
	uint8_t header[FRAME_HEADER_MAX];
	size_t off = 1, len, header_len;
	const uint8_t *body;
	int64_t n;

	if (size == 0)
		return 0;
	format = (struct frame_format){ data[0] & 1, protocols[data[0] >> 1 & 3] };
	if (size >= FRAME_HELLO_BYTES)
		(void)frame_parse_hello(data);
	while ((n = frame_parse(&format, data + off, size - off, 4096, &body, &len, header,
				&header_len)) > 0) {
		Cleat__Rpc__V1__Frame *f = cleat__rpc__v1__frame__unpack(NULL, len, body);

		if (f)
			cleat__rpc__v1__frame__free_unpacked(f, NULL);
		off += (size_t)n;
	}
	return 0;
}
