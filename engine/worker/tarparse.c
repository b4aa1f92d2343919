/* SPDX-License-Identifier: Apache-2.0 */
/* Three things can be at hand: a header of 512 bytes, the body of an extended header (kept), any other
 * body (passed over). Extended headers are collected until the header they are about; their texts live
 * until its entry was given out. A kind of them that comes twice, or names a thing that another names too,
 * is refused: readers disagree about which one counts. */
#include "tarparse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "str.h"
#include "tarfield.h"

/* Offsets and lengths in a header (tar(5)). */
enum {
	NAME = 0,
	NAME_LEN = 100,
	MODE = 100,
	UID = 108,
	GID = 116,
	ID_LEN = 8,
	SIZE = 124,
	MTIME = 136,
	LONG_LEN = 12,
	TYPE = 156,
	LINK = 157,
	MAGIC = 257,
	MAJOR = 329,
	MINOR = 337,
	PREFIX = 345,
	PREFIX_LEN = 155,
	GNU_SPARSE = 386, /* its table of pieces */
	GNU_REAL_SIZE = 483,
	MODE_MAX = 07777777, /* seven digits */
};

/* What extended headers said about the next entry. */
struct said {
	bool pax, name, link, has_size, has_mtime, has_uid, has_gid, sparse;
	char *pax_text, *name_text, *link_text; /* owned */
	const char *path, *target;              /* in those */
	int64_t size, mtime, uid, gid;
	uint32_t nsec;
	size_t n_xattrs; /* of the parser's xattrs */
};

struct tarparse {
	tarparse_entry_fn *entry;
	void *ctx;
	uint64_t at;   /* bytes taken so far */
	uint64_t skip; /* bytes still to be passed over */
	unsigned char header[TAR_BLOCK];
	size_t have;     /* of the header, or of the extension */
	char *extension; /* its body, being collected; NULL = a header is */
	size_t extension_len;
	char extension_type;
	bool ended;
	struct said said;
	struct tar_xattr xattrs[TAR_XATTRS_MAX];
	char path[PREFIX_LEN + NAME_LEN + 2], link[NAME_LEN + 1];
};

int tarparse_new(struct tarparse **out, tarparse_entry_fn *entry, void *ctx)
{
	struct tarparse *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->entry = entry;
	p->ctx = ctx;
	*out = p;
	return 0;
}

static void forget(struct said *said)
{
	free(said->pax_text);
	free(said->name_text);
	free(said->link_text);
	*said = (struct said){ 0 };
}

struct tarparse *tarparse_free(struct tarparse *p)
{
	if (!p)
		return NULL;
	forget(&p->said);
	free(p->extension);
	free(p);
	return NULL;
}

void tarparse_freep(struct tarparse **p)
{
	*p = tarparse_free(*p);
}

static int bad(const struct tarparse *p, struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "Damaged tar archive: %s near byte %llu", what,
		       (unsigned long long)p->at);
}

static uint64_t padding(uint64_t size)
{
	return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* ---- extended headers */

static int pax_number(const struct tarfield_record *r, bool *has, int64_t *value)
{
	*has = true;
	return str_int_in(r->value, 0, INT64_MAX, value) < 0 ? -EINVAL : 0;
}

/* An empty one is no name: taken for one, it would be the root's, and the file would be gone. */
static int pax_text(const struct tarfield_record *r, const char **out)
{
	*out = r->value;
	return r->len > 0 && strlen(r->value) == r->len ? 0 : -EINVAL;
}

static int pax_xattr(struct tarparse *p, const struct tarfield_record *r, const char *name)
{
	if (p->said.n_xattrs == TAR_XATTRS_MAX)
		return -E2BIG;
	p->xattrs[p->said.n_xattrs++] = (struct tar_xattr){ name, r->value, r->len };
	return 0;
}

static int pax_record(struct tarparse *p, const struct tarfield_record *r)
{
	static const char xattr[] = "SCHILY.xattr.";
	struct said *s = &p->said;

	if (!strcmp(r->key, "path"))
		return pax_text(r, &s->path);
	if (!strcmp(r->key, "linkpath"))
		return pax_text(r, &s->target);
	if (!strcmp(r->key, "size"))
		return pax_number(r, &s->has_size, &s->size);
	if (!strcmp(r->key, "uid"))
		return pax_number(r, &s->has_uid, &s->uid);
	if (!strcmp(r->key, "gid"))
		return pax_number(r, &s->has_gid, &s->gid);
	if (!strcmp(r->key, "mtime")) {
		s->has_mtime = true;
		return tarfield_time(r->value, &s->mtime, &s->nsec);
	}
	if (str_has_prefix(r->key, "GNU.sparse."))
		s->sparse = true;
	if (str_has_prefix(r->key, xattr) && r->key[sizeof(xattr) - 1])
		return pax_xattr(p, r, r->key + sizeof(xattr) - 1);
	return 0;
}

static int take_pax(struct tarparse *p, struct err *err)
{
	struct said *s = &p->said;
	struct tarfield_record record;
	char *text = s->pax_text = steal(&p->extension);
	size_t n = p->extension_len;
	int r = 0;

	if (s->path || s->target)
		r = -EINVAL;
	while (r == 0 && n > 0 && text[0]) {
		r = tarfield_record(&text, &n, &record);
		r = r ? r : pax_record(p, &record);
	}
	if (r == -E2BIG)
		return err_set(err, ERR_INVALID, "an entry has more than %d extended attributes",
			       TAR_XATTRS_MAX);
	return r < 0 ? bad(p, err, "a pax header that cannot be read") : 0;
}

static int take_extension(struct tarparse *p, struct err *err)
{
	struct said *s = &p->said;

	p->have = 0;
	if (p->extension_type == 'x')
		return take_pax(p, err);
	if (p->extension_type == 'L' ? s->path : s->target)
		return bad(p, err, "two names for one entry");
	if (p->extension_type == 'L')
		s->path = s->name_text = steal(&p->extension);
	else
		s->target = s->link_text = steal(&p->extension);
	return 0;
}

static int begin_extension(struct tarparse *p, char type, int64_t size, struct err *err)
{
	bool *seen = type == 'x' ? &p->said.pax : type == 'L' ? &p->said.name : &p->said.link;

	if (*seen)
		return bad(p, err, "two extended headers of a kind for one entry");
	if (size > TAR_EXTENSION_MAX)
		return err_set(err, ERR_INVALID, "an extended header is longer than %d bytes",
			       TAR_EXTENSION_MAX);
	*seen = true;
	p->extension = calloc(1, (size_t)size + 1);
	if (!p->extension)
		return err_sys(err, ENOMEM, "read the tar");
	p->extension_type = type;
	p->extension_len = (size_t)size;
	p->skip = 0;
	return size == 0 ? take_extension(p, err) : 0;
}

/* ---- entries */

static void text_of(const unsigned char *field, size_t n, char *out)
{
	size_t len = strnlen((const char *)field, n);

	memcpy(out, field, len);
	out[len] = '\0';
}

static bool is_gnu(const unsigned char *h)
{
	return memcmp(h + MAGIC, "ustar  ", 8) == 0;
}

/* Names of an entry: what was said before, or the header's own. */
static void names(struct tarparse *p, struct tarparse_entry *e)
{
	const unsigned char *h = p->header;
	bool ustar = memcmp(h + MAGIC, "ustar", 5) == 0 && !is_gnu(h);
	size_t n = 0;

	if (ustar && h[PREFIX]) {
		text_of(h + PREFIX, PREFIX_LEN, p->path);
		n = strlen(p->path);
		if (p->path[n - 1] != '/')
			p->path[n++] = '/';
	}
	text_of(h + NAME, NAME_LEN, p->path + n);
	text_of(h + LINK, NAME_LEN, p->link);
	e->path = p->said.path ? p->said.path : p->path;
	e->link = p->said.target ? p->said.target : p->link;
}

static int id_of(const struct tarparse *p, size_t at, const int64_t *said, uint32_t *out,
		 struct err *err)
{
	int64_t n = 0;
	int r = said ? 0 : tarfield_number(p->header + at, ID_LEN, &n);

	n = said ? *said : n;
	if (r < 0 || n < 0 || n >= UINT32_MAX)
		return bad(p, err, "an owner or device number that cannot be");
	*out = (uint32_t)n;
	return 0;
}

static int numbers(const struct tarparse *p, struct tarparse_entry *e, struct err *err)
{
	const struct said *s = &p->said;
	bool device = e->type == TAR_CHAR || e->type == TAR_BLOCKDEV;
	int64_t mode = 0;
	int r = id_of(p, UID, s->has_uid ? &s->uid : NULL, &e->uid, err);

	r = r ? r : id_of(p, GID, s->has_gid ? &s->gid : NULL, &e->gid, err);
	if (device) {
		r = r ? r : id_of(p, MAJOR, NULL, &e->major, err);
		r = r ? r : id_of(p, MINOR, NULL, &e->minor, err);
	}
	if (r < 0)
		return r;
	if (tarfield_number(p->header + MODE, ID_LEN, &mode) < 0 || mode < 0 || mode > MODE_MAX)
		return bad(p, err, "a mode that cannot be read");
	e->mode = (uint32_t)mode & 07777;
	e->mtime = s->mtime;
	e->mtime_nsec = s->nsec;
	if (!s->has_mtime && tarfield_number(p->header + MTIME, LONG_LEN, &e->mtime) < 0)
		return bad(p, err, "a time that cannot be read");
	return 0;
}

static bool has_body(char type)
{
	return type < TAR_HARDLINK || type > TAR_FIFO;
}

/* Old and broken writers mark directories by the end of their names alone. */
static char type_of(const struct tarparse_entry *e, char type)
{
	if (type == '\0' || type == '7')
		type = TAR_FILE;
	return type == TAR_FILE && str_has_suffix(e->path, "/") ? TAR_DIR : type;
}

/* Some readers go by the table, whatever the type. */
static bool is_sparse(const struct tarparse *p, char type)
{
	const unsigned char *h = p->header;

	return type == 'S' || p->said.sparse || (is_gnu(h) && (h[GNU_SPARSE] || h[GNU_REAL_SIZE]));
}

static int give_entry(struct tarparse *p, char type, int64_t size, struct err *err)
{
	const struct said *s = &p->said;
	struct tarparse_entry e = { .xattrs = p->xattrs, .n_xattrs = s->n_xattrs };
	int r;

	size = s->has_size ? s->size : size;
	names(p, &e);
	e.type = type_of(&e, type);
	if (is_sparse(p, type))
		return err_set(err, ERR_INVALID, "entry \"%.100s\": sparse files are not supported",
			       e.path);
	if (e.type == TAR_DIR && type != TAR_DIR && size)
		return bad(p, err, "a directory with contents");
	r = numbers(p, &e, err);
	if (r < 0)
		return r;
	if (has_body(e.type)) {
		e.size = (uint64_t)size;
		p->skip = e.size + padding(e.size);
	}
	e.offset = p->at;
	r = p->entry(p->ctx, &e, err);
	forget(&p->said);
	return r;
}

static int take_header(struct tarparse *p, struct err *err)
{
	static const unsigned char zeroes[TAR_BLOCK];
	char type = (char)p->header[TYPE];
	int64_t size = 0;

	p->have = 0;
	if (memcmp(p->header, zeroes, TAR_BLOCK) == 0) {
		p->ended = true;
		return p->said.pax || p->said.name || p->said.link
			       ? bad(p, err, "an extended header about nothing")
			       : 0;
	}
	if (!tarfield_checksum(p->header))
		return bad(p, err, "a wrong checksum");
	if (tarfield_number(p->header + SIZE, LONG_LEN, &size) < 0 || size < 0 ||
	    size > INT64_MAX - TAR_BLOCK)
		return bad(p, err, "a size that cannot be");
	if (type == 'X')
		type = 'x';
	if (type == 'x' || type == 'L' || type == 'K')
		return begin_extension(p, type, size, err);
	if (type != 'g' && type != 'V')
		return give_entry(p, type, size, err);
	p->skip = (uint64_t)size + padding((uint64_t)size);
	return 0;
}

/* ---- bytes */

static size_t collect(struct tarparse *p, char *to, size_t want, const char *data, size_t n)
{
	size_t take = want - p->have < n ? want - p->have : n;

	memcpy(to + p->have, data, take);
	p->have += take;
	p->at += take;
	return take;
}

/* Takes some of the bytes; how many. */
static size_t step(struct tarparse *p, const char *data, size_t n, int *r, struct err *err)
{
	size_t take;

	if (p->skip) {
		take = p->skip < n ? (size_t)p->skip : n;
		p->skip -= take;
		p->at += take;
	} else if (p->extension) {
		take = collect(p, p->extension, p->extension_len, data, n);
		if (p->have == p->extension_len) {
			p->skip = padding(p->extension_len);
			*r = take_extension(p, err);
		}
	} else {
		take = collect(p, (char *)p->header, TAR_BLOCK, data, n);
		if (p->have == TAR_BLOCK)
			*r = take_header(p, err);
	}
	return take;
}

int tarparse_feed(struct tarparse *p, const void *data, size_t n, struct err *err)
{
	const char *at = data;
	int r = 0;

	while (r == 0 && n > 0 && !p->ended) {
		size_t take = step(p, at, n, &r, err);

		at += take;
		n -= take;
	}
	return r;
}

int tarparse_end(const struct tarparse *p, struct err *err)
{
	const struct said *s = &p->said;

	if (!p->ended && (p->skip || p->have || p->extension || s->pax || s->name || s->link))
		return err_set(err, ERR_INVALID, "Truncated tar archive");
	return 0;
}
