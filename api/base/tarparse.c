/* SPDX-License-Identifier: Apache-2.0 */
/* What is at hand is a header, the body of an extended header (kept), a block of a map of holes, an entry's body (given
 * out), or what is passed over. Extended headers are collected until the header they are about; their texts live until
 * the next one begins. A kind of them that comes twice, or names a thing that another names too, is refused: readers
 * disagree about which one counts. */
#include "tarparse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "str.h"
#include "tarfield.h"
#include "tarheader.h"
#include "tarpax.h"
#include "tarsparse.h"

#define CHUNKS_MAX (16u << 20) /* of all files with holes */

enum state {
	HEADER,
	EXTENSION,
	TABLE, /* of an old file with holes */
	MAP,   /* of one of pax 1.0: the first blocks of its body */
	BODY,
	ENDED,
};

struct tarparse {
	enum state state;
	struct tar_entry entry;
	uint64_t at;    /* bytes taken so far */
	uint64_t skip;  /* bytes still to be passed over */
	uint64_t left;  /* of the entry's body */
	size_t padding; /* behind that */
	size_t piece;   /* of a file with holes, the one at hand */
	uint64_t given; /* bytes of that, or of the file */
	uint64_t chunks;
	unsigned char header[TAR_BLOCK], block[TAR_BLOCK];
	size_t have;     /* of the header, the block or the extension */
	char *extension; /* its body, being collected */
	size_t extension_len;
	char extension_type;
	bool told; /* what was said is about an entry that was given out */
	struct tarpax said;
	struct tarheader_names names;
};

int tarparse_new(struct tarparse **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct tarparse *tarparse_free(struct tarparse *p)
{
	if (!p)
		return NULL;
	tarpax_deinit(&p->said);
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

/* ---- extended headers */

static int take_pax(struct tarparse *p, struct err *err)
{
	int r = tarpax_take(&p->said, steal(&p->extension), p->extension_len);

	if (r == -E2BIG)
		return err_set(err, ERR_INVALID,
			       "an entry has more than %d extended attributes or %d pieces",
			       TARPAX_XATTRS_MAX, TARSPARSE_PIECES_MAX);
	if (r == -ENOMEM)
		return err_sys(err, r, "read the tar");
	return r < 0 ? bad(p, err, "a pax header that cannot be read") : 0;
}

static int take_extension(struct tarparse *p, struct err *err)
{
	struct tarpax *s = &p->said;

	p->have = 0;
	p->state = HEADER;
	if (p->extension_type == 'x')
		return take_pax(p, err);
	if (p->extension_type == 'L' ? s->path : s->target)
		return bad(p, err, "two names for one entry");
	if (!p->extension[0]) /* readers disagree whether the header's own counts then */
		return bad(p, err, "an empty name");
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
	if (size > TARPARSE_EXTENSION_MAX)
		return err_set(err, ERR_INVALID, "an extended header is longer than %d bytes",
			       TARPARSE_EXTENSION_MAX);
	*seen = true;
	p->state = EXTENSION;
	p->extension = calloc(1, (size_t)size + 1);
	if (!p->extension)
		return err_sys(err, ENOMEM, "read the tar");
	p->extension_type = type;
	p->extension_len = (size_t)size;
	p->skip = 0;
	return size == 0 ? take_extension(p, err) : 0;
}

/* ---- bodies, of files with holes too */

static bool has_body(char type)
{
	return type < TAR_HARDLINK || type > TAR_FIFO;
}

static int bad_holes(const struct tarparse *p, int r, struct err *err)
{
	if (r == -ENOMEM)
		return err_sys(err, r, "read the tar");
	return err_set(err, ERR_INVALID, "entry \"%.100s\": %s", p->entry.path,
		       r == -ENOTSUP || r == -E2BIG
			       ? "a file with holes of a kind that is not supported"
			       : "its map of holes is damaged");
}

/* The entry is whole: what its body is, is known. */
static int begin_body(struct tarparse *p, struct err *err)
{
	struct tar_entry *e = &p->entry;
	struct tarpax *s = &p->said;
	unsigned int bits;

	p->state = p->left ? BODY : HEADER;
	p->have = p->piece = 0;
	p->given = 0;
	p->told = true;
	e->offset = p->at;
	if (!p->left)
		p->skip = p->padding;
	if (!e->sparse)
		return TARPARSE_ENTRY;
	e->size_bytes = (uint64_t)s->real_size;
	int r = tarsparse_finish(&s->holes, e->size_bytes, p->left, e->offset);

	e->pieces = s->holes.v;
	e->n_pieces = s->holes.n;
	p->chunks += r ? 0 : tarsparse_chunks(e->pieces, e->n_pieces, e->size_bytes, &bits);
	if (p->chunks > CHUNKS_MAX)
		r = -ENOTSUP;
	return r < 0 ? bad_holes(p, r, err) : TARPARSE_ENTRY;
}

static int begin_table(struct tarparse *p, struct err *err)
{
	const unsigned char *h = p->header;
	struct tarpax *s = &p->said;

	if (s->sparse || !tarheader_is_gnu(h) ||
	    tarfield_number(h + TARHEADER_GNU_REAL_SIZE, TARHEADER_LONG_LEN, &s->real_size) < 0 ||
	    s->real_size < 0)
		return bad_holes(p, -EINVAL, err);
	int r = tarsparse_table(&s->holes, h + TARHEADER_GNU_SPARSE, TARHEADER_GNU_SPARSE_ROWS);

	if (r < 0)
		return bad_holes(p, r, err);
	if (!h[TARHEADER_GNU_MORE])
		return begin_body(p, err);
	p->state = TABLE;
	return TARPARSE_MORE;
}

static int take_table(struct tarparse *p, struct err *err)
{
	int r = tarsparse_table(&p->said.holes, p->block, TARHEADER_TABLE_ROWS);

	p->have = 0;
	if (r < 0)
		return bad_holes(p, r, err);
	return p->block[TARHEADER_TABLE_MORE] ? TARPARSE_MORE : begin_body(p, err);
}

static int take_map(struct tarparse *p, struct err *err)
{
	int r = p->left < TAR_BLOCK ? -EINVAL : tarsparse_block(&p->said.holes, p->block);

	p->have = 0;
	if (r < 0)
		return bad_holes(p, r, err);
	p->left -= TAR_BLOCK;
	return r ? begin_body(p, err) : TARPARSE_MORE;
}

static int begin_pax_sparse(struct tarparse *p, struct err *err)
{
	const struct tarpax *s = &p->said;
	bool versioned = s->major || s->minor, map = s->major == '1' && s->minor == '0';

	if (s->odd ||
	    (versioned && !map && (s->major != '0' || (s->minor != '0' && s->minor != '1'))) ||
	    (!versioned && !s->holes.n) || (map && s->holes.n))
		return bad_holes(p, -ENOTSUP, err);
	if (!map)
		return begin_body(p, err);
	p->state = MAP;
	return TARPARSE_MORE;
}

/* ---- headers */

static int take_entry(struct tarparse *p, char type, int64_t size, struct err *err)
{
	const struct tarpax *s = &p->said;
	struct tar_entry *e = &p->entry;

	size = s->has_size ? s->size : size;
	const char *wrong = tarheader_read(p->header, s, &p->names, e);

	if (s->odd || tarheader_stray_table(p->header) || (e->sparse && e->type != TAR_FILE))
		return bad_holes(p, -ENOTSUP, err);
	if (e->type == TAR_DIR && type != TAR_DIR && size)
		return bad(p, err, "a directory with contents");
	if (wrong)
		return bad(p, err, wrong);
	if (s->has_size && s->size &&
	    !has_body((char)e->type)) /* are there any? readers disagree */
		return bad(p, err, "a size of an entry that has no bytes");
	p->left = has_body((char)e->type) ? (uint64_t)size : 0;
	p->padding = tar_padding(p->left);
	e->size_bytes = e->type == TAR_FILE ? p->left : 0;
	if (type == TARHEADER_GNU_SPARSE_TYPE)
		return begin_table(p, err);
	return e->sparse ? begin_pax_sparse(p, err) : begin_body(p, err);
}

static int take_header(struct tarparse *p, struct err *err)
{
	static const unsigned char zeroes[TAR_BLOCK];
	char type = (char)p->header[TARHEADER_TYPE];
	int64_t size = 0;

	p->have = 0;
	if (memcmp(p->header, zeroes, TAR_BLOCK) == 0) {
		p->state = ENDED;
		return p->said.pax || p->said.name || p->said.link
			       ? bad(p, err, "an extended header about nothing")
			       : 0;
	}
	if (!tarfield_checksum(p->header))
		return bad(p, err, "a wrong checksum");
	if (tarfield_number(p->header + TARHEADER_SIZE, TARHEADER_LONG_LEN, &size) < 0 ||
	    size < 0 || size > INT64_MAX - TAR_BLOCK)
		return bad(p, err, "a size that cannot be");
	if (type == 'X')
		type = 'x';
	if (type == 'x' || type == 'L' || type == 'K')
		return begin_extension(p, type, size, err);
	if (type == 'V' && size)
		return bad(p, err, "a volume's name with contents");
	if (type != 'g' && type != 'V')
		return take_entry(p, type, size, err);
	p->skip = (uint64_t)size + tar_padding((uint64_t)size);
	return 0;
}

/* ---- bytes */

/* Appends to what is being collected; whether that is whole then. */
static bool collect(struct tarparse *p, void *to, size_t want, const char **data, size_t *n)
{
	size_t take = want - p->have < *n ? want - p->have : *n;

	memcpy((char *)to + p->have, *data, take);
	p->have += take;
	p->at += take;
	*data += take;
	*n -= take;
	return p->have == want;
}

static int give_data(struct tarparse *p, const char **data, size_t *n, struct tarparse_data *out)
{
	const struct tar_entry *e = &p->entry;
	const struct tar_piece whole = { .len = p->left + p->given };
	const struct tar_piece *piece = e->sparse ? &e->pieces[p->piece] : &whole;
	uint64_t left = piece->len - p->given;
	size_t take = left < *n ? (size_t)left : *n;

	*out = (struct tarparse_data){ *data, take, piece->at + p->given };
	*data += take;
	*n -= take;
	p->at += take;
	p->left -= take;
	p->given += take;
	if (e->sparse && p->given == piece->len) {
		p->piece++;
		p->given = 0;
	}
	if (!p->left) {
		p->state = HEADER;
		p->skip = p->padding;
	}
	return TARPARSE_DATA;
}

static int pass_over(struct tarparse *p, const char **data, size_t *n)
{
	size_t take = p->skip < *n ? (size_t)p->skip : *n;

	p->skip -= take;
	p->at += take;
	*data += take;
	*n -= take;
	return TARPARSE_MORE;
}

static int take_some(struct tarparse *p, const char **data, size_t *n, struct tarparse_data *out,
		     struct err *err)
{
	if (p->skip)
		return pass_over(p, data, n);
	switch (p->state) {
	case HEADER:
		if (p->told)
			tarpax_deinit(&p->said);
		p->told = false;
		return collect(p, p->header, TAR_BLOCK, data, n) ? take_header(p, err) : 0;
	case EXTENSION:
		if (!collect(p, p->extension, p->extension_len, data, n))
			return 0;
		p->skip = tar_padding(p->extension_len);
		return take_extension(p, err);
	case TABLE:
		return collect(p, p->block, TAR_BLOCK, data, n) ? take_table(p, err) : 0;
	case MAP:
		return collect(p, p->block, TAR_BLOCK, data, n) ? take_map(p, err) : 0;
	case BODY:
		return give_data(p, data, n, out);
	case ENDED:
		break;
	}
	return TARPARSE_END;
}

int tarparse_step(struct tarparse *p, const char **data, size_t *n, struct tarparse_data *out,
		  struct err *err)
{
	int event = TARPARSE_MORE;

	while (event == TARPARSE_MORE && (*n || p->state == ENDED))
		event = take_some(p, data, n, out, err);
	return event;
}

const struct tar_entry *tarparse_entry(const struct tarparse *p)
{
	return &p->entry;
}

uint64_t tarparse_left(const struct tarparse *p)
{
	return p->left;
}

int tarparse_end(const struct tarparse *p, struct err *err)
{
	const struct tarpax *s = &p->said;
	bool between = p->state == HEADER && !p->skip && !p->have &&
		       (p->told || !(s->pax || s->name || s->link));

	return between || p->state == ENDED ? 0
					    : err_set(err, ERR_INVALID, "Truncated tar archive");
}
