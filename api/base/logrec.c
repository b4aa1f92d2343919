/* SPDX-License-Identifier: Apache-2.0 */
/* The size stands on both sides of a record, so that it can be found from either end, and a cut or
 * foreign byte shows as a disagreement between the two. */
#include "logrec.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum { FLAG_STDOUT = 1, FLAG_STDERR = 2, FLAG_PARTIAL = 4, FLAGS_KNOWN = 7 };

struct head {
	uint32_t size, flags;
	uint64_t time_ns, position;
};

_Static_assert(sizeof(struct head) == LOGREC_HEAD_BYTES, "the head has no padding");

size_t logrec_size(const struct logrec *rec)
{
	return (size_t)LOGREC_HEAD_BYTES + rec->size + LOGREC_TAIL_BYTES;
}

void logrec_encode(const struct logrec *rec, uint8_t head[LOGREC_HEAD_BYTES],
		   uint8_t tail[LOGREC_TAIL_BYTES])
{
	uint32_t flags = rec->stream | (rec->partial ? FLAG_PARTIAL : 0u);
	struct head h = {
		.size = htole32(rec->size),
		.flags = htole32(flags),
		.time_ns = htole64((uint64_t)rec->time_ns),
		.position = htole64(rec->position),
	};

	memcpy(head, &h, sizeof(h));
	memcpy(tail, &h.size, LOGREC_TAIL_BYTES);
}

ptrdiff_t logrec_decode(const void *bytes, size_t n, struct logrec *rec)
{
	const char *p = bytes;
	struct head h;
	uint32_t size, flags, stream, again;

	if (n < sizeof(h))
		return 0;
	memcpy(&h, p, sizeof(h));
	size = le32toh(h.size);
	flags = le32toh(h.flags);
	stream = flags & (FLAG_STDOUT | FLAG_STDERR);
	if (size == 0 || size > LOGREC_DATA_MAX || flags & ~(uint32_t)FLAGS_KNOWN ||
	    (stream != FLAG_STDOUT && stream != FLAG_STDERR))
		return -EBADMSG;
	if (n < sizeof(h) + size + LOGREC_TAIL_BYTES)
		return 0;
	memcpy(&again, p + sizeof(h) + size, sizeof(again));
	if (again != h.size)
		return -EBADMSG;
	*rec = (struct logrec){
		.time_ns = (int64_t)le64toh(h.time_ns),
		.position = le64toh(h.position),
		.data = p + sizeof(h),
		.size = size,
		.stream = (uint8_t)stream,
		.partial = flags & FLAG_PARTIAL,
	};
	return (ptrdiff_t)logrec_size(rec);
}

ptrdiff_t logrec_decode_last(const void *bytes, size_t n, struct logrec *rec)
{
	const char *p = bytes;
	uint32_t size;
	size_t whole;

	if (n < LOGREC_HEAD_BYTES + LOGREC_TAIL_BYTES)
		return n == 0 ? 0 : -EBADMSG;
	memcpy(&size, p + n - sizeof(size), sizeof(size));
	size = le32toh(size);
	whole = (size_t)LOGREC_HEAD_BYTES + size + LOGREC_TAIL_BYTES;
	if (size > LOGREC_DATA_MAX || whole > n)
		return -EBADMSG;
	return logrec_decode(p + n - whole, whole, rec) == (ptrdiff_t)whole ? (ptrdiff_t)whole
									    : -EBADMSG;
}
