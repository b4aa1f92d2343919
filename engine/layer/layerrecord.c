/* SPDX-License-Identifier: Apache-2.0 */
#include "layerrecord.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "str.h"

/* A number up to the end of the line; *p is behind that. */
static int number(const char **p, uint64_t *value)
{
	size_t n = strcspn(*p, "\n");
	char digits[24];

	if (n >= sizeof(digits) || (*p)[n] != '\n')
		return -EBADMSG;
	memcpy(digits, *p, n);
	digits[n] = '\0';
	*p += n + 1;
	return str_u64(digits, value) < 0 ? -EBADMSG : 0;
}

int layerrecord_parse_tar(const char *p, struct layerrecord *out)
{
	struct layerrecord record = *out;

	if (!str_has_prefix(p, "tar "))
		return -EBADMSG;
	p += 4;
	if (number(&p, &record.tar_bytes) < 0 || !str_has_prefix(p, "index ") ||
	    strlen(p) != 6 + 64 + 1 || p[70] != '\n')
		return -EBADMSG;
	memcpy(record.index_sha, p + 6, 64);
	record.index_sha[64] = '\0';
	record.has_tar = true;
	if (!str_is_id(record.index_sha))
		return -EBADMSG;
	*out = record;
	return 0;
}

int layerrecord_parse(const char *p, struct layerrecord *out)
{
	struct layerrecord record = { 0 };
	int r = number(&p, &record.size_bytes);

	if (r == 0 && *p)
		r = layerrecord_parse_tar(p, &record);
	if (r == 0)
		*out = record;
	return r;
}

void layerrecord_print(const struct layerrecord *record, struct buf *out)
{
	buf_printf(out, "%" PRIu64 "\n", record->size_bytes);
	if (record->has_tar)
		buf_printf(out, "tar %" PRIu64 "\nindex %s\n", record->tar_bytes,
			   record->index_sha);
}
