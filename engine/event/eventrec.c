/* SPDX-License-Identifier: Apache-2.0 */
#include "eventrec.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void eventrec_encode(const Cleat__V1__Event *event, uint64_t origin, struct buf *out)
{
	size_t size = cleat__v1__event__get_packed_size(event);
	uint32_t le_size = htole32((uint32_t)size);
	uint64_t le_origin = htole64(origin);

	buf_append(out, &le_size, sizeof(le_size));
	buf_append(out, &le_origin, sizeof(le_origin));
	if (buf_reserve(out, size) == 0) {
		cleat__v1__event__pack(event, (uint8_t *)out->data + out->len);
		out->len += size;
	}
	buf_append(out, &le_size, sizeof(le_size));
}

ptrdiff_t eventrec_decode(const void *bytes, size_t n, Cleat__V1__Event **event, uint64_t *origin)
{
	const uint8_t *p = bytes;
	uint32_t size, again;
	uint64_t from;

	if (n < EVENTREC_EXTRA)
		return 0;
	memcpy(&size, p, sizeof(size));
	memcpy(&from, p + sizeof(size), sizeof(from));
	size = le32toh(size);
	if (size > EVENTREC_MAX)
		return -EBADMSG;
	if (n < (size_t)EVENTREC_EXTRA + size)
		return 0;
	memcpy(&again, p + sizeof(size) + sizeof(from) + size, sizeof(again));
	if (le32toh(again) != size)
		return -EBADMSG;
	if (origin)
		*origin = le64toh(from);
	if (event) {
		*event = cleat__v1__event__unpack(NULL, size, p + sizeof(size) + sizeof(from));
		if (!*event)
			return -EBADMSG;
	}
	return (ptrdiff_t)EVENTREC_EXTRA + (ptrdiff_t)size;
}
