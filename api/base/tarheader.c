/* SPDX-License-Identifier: Apache-2.0 */
#include "tarheader.h"

#include <string.h>

#include "str.h"
#include "tarfield.h"

enum {
	NAME = 0,
	MODE = 100,
	UID = 108,
	GID = 116,
	ID_LEN = 8,
	MTIME = 136,
	LINK = 157,
	MAGIC = 257,
	MAJOR = 329,
	MINOR = 337,
	PREFIX = 345,
	MODE_MAX = 07777777, /* seven digits */
	MAJOR_MAX = 4095,    /* what a device's number can be */
	MINOR_MAX = (1 << 20) - 1,
};

static void text_of(const unsigned char *field, size_t n, char *out)
{
	size_t len = strnlen((const char *)field, n);

	memcpy(out, field, len);
	out[len] = '\0';
}

bool tarheader_is_gnu(const unsigned char h[TAR_BLOCK])
{
	return memcmp(h + MAGIC, "ustar  ", 8) == 0;
}

bool tarheader_stray_table(const unsigned char h[TAR_BLOCK])
{
	return h[TARHEADER_TYPE] != TARHEADER_GNU_SPARSE_TYPE && tarheader_is_gnu(h) &&
	       (h[TARHEADER_GNU_SPARSE] || h[TARHEADER_GNU_REAL_SIZE]);
}

/* What was said before, or the header's own. */
static void read_names(const unsigned char *h, const struct tarpax *s,
		       struct tarheader_names *names, struct tar_entry *e)
{
	bool ustar = memcmp(h + MAGIC, "ustar", 5) == 0 && !tarheader_is_gnu(h);
	size_t n = 0;

	if (ustar && h[PREFIX]) {
		text_of(h + PREFIX, TARHEADER_PREFIX_LEN, names->path);
		n = strlen(names->path);
		if (names->path[n - 1] != '/')
			names->path[n++] = '/';
	}
	text_of(h + NAME, TARHEADER_NAME_LEN, names->path + n);
	text_of(h + LINK, TARHEADER_NAME_LEN, names->link);
	e->path = s->sparse_path ? s->sparse_path : s->path ? s->path : names->path;
	e->link = s->target ? s->target : names->link;
	if (!e->link[0])
		e->link = NULL;
}

static bool read_number(const unsigned char *field, const int64_t *said, int64_t max, uint32_t *out)
{
	int64_t n = 0;
	int r = said ? 0 : tarfield_number(field, ID_LEN, &n);

	n = said ? *said : n;
	*out = (uint32_t)n;
	return r == 0 && n >= 0 && n <= max;
}

static const char *read_numbers(const unsigned char *h, const struct tarpax *s, struct tar_entry *e)
{
	const int64_t id_max = UINT32_MAX - 1;
	int64_t mode = 0;

	if (!read_number(h + UID, s->has_uid ? &s->uid : NULL, id_max, &e->uid) ||
	    !read_number(h + GID, s->has_gid ? &s->gid : NULL, id_max, &e->gid))
		return "an owner that cannot be";
	if ((e->type == TAR_CHAR || e->type == TAR_BLOCKDEV) &&
	    (!read_number(h + MAJOR, NULL, MAJOR_MAX, &e->major) ||
	     !read_number(h + MINOR, NULL, MINOR_MAX, &e->minor)))
		return "a device number that cannot be";
	if (tarfield_number(h + MODE, ID_LEN, &mode) < 0 || mode < 0 || mode > MODE_MAX)
		return "a mode that cannot be read";
	e->mode = (uint32_t)mode & 07777;
	e->mtime_s = s->mtime;
	e->mtime_ns = s->nsec;
	if (!s->has_mtime && tarfield_number(h + MTIME, TARHEADER_LONG_LEN, &e->mtime_s) < 0)
		return "a time that cannot be read";
	return NULL;
}

/* Old and broken writers mark directories by the end of their names alone. */
static enum tar_type type_of(const struct tar_entry *e, char type)
{
	if (type == '\0' || type == '7' || type == TARHEADER_GNU_SPARSE_TYPE)
		type = TAR_FILE;
	return type == TAR_FILE && str_has_suffix(e->path, "/") ? TAR_DIR : (enum tar_type)type;
}

const char *tarheader_read(const unsigned char h[TAR_BLOCK], const struct tarpax *said,
			   struct tarheader_names *names, struct tar_entry *out)
{
	char type = (char)h[TARHEADER_TYPE];

	*out = (struct tar_entry){ .xattrs = said->xattrs, .n_xattrs = said->n_xattrs };
	read_names(h, said, names, out);
	out->type = type_of(out, type);
	out->sparse = said->sparse || type == TARHEADER_GNU_SPARSE_TYPE;
	if (out->type == TAR_HARDLINK && !out->link)
		return "a hard link to nothing";
	return read_numbers(h, said, out);
}
