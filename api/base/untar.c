/* SPDX-License-Identifier: Apache-2.0 */
#include "untar.h"

#include <errno.h>
#include <string.h>

#include "str.h"

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "the archive is damaged: %s", what);
}

/* ---- bytes */

static int fill(struct untar *u, struct err *err)
{
	const void *data;

	if (u->n_bytes)
		return 1;
	ssize_t n = u->read(u->ctx, &data, err);

	if (n <= 0)
		return (int)n;
	u->bytes = data;
	u->n_bytes = (size_t)n;
	return 1;
}

/* Exactly n bytes appended to `out`, or passed over when it is NULL. 0 when the archive ends before the first. */
static int take(struct untar *u, uint64_t n, struct buf *out, struct err *err)
{
	bool first = true;

	while (n > 0) {
		int r = fill(u, err);

		if (r < 0 || (r == 0 && first))
			return r;
		if (r == 0)
			return damaged(err, "it ends in the middle");
		size_t part = u->n_bytes < n ? u->n_bytes : (size_t)n;

		if (out)
			buf_append(out, u->bytes, part);
		u->bytes += part;
		u->n_bytes -= part;
		n -= part;
		first = false;
	}
	return out && out->error ? err_sys(err, out->error, "read the archive") : 1;
}

/* ---- headers */

/* Octal digits between blanks and a NUL or blank, or GNU's big-endian number. -1 for anything else. */
static int64_t number(const char *field, size_t n)
{
	int64_t value = 0;
	size_t i = 0;

	if ((unsigned char)field[0] == 0x80) {
		for (i = 1; i < n; i++) {
			if (value > INT64_MAX >> 8)
				return -1;
			value = value << 8 | (unsigned char)field[i];
		}
		return value;
	}
	while (i < n && field[i] == ' ')
		i++;
	for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (field[i] - '0');
	for (; i < n; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return -1;
	return value;
}

static bool checksum_fits(const char *block)
{
	int64_t sum = 8 * ' ';

	for (int i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? 0 : (unsigned char)block[i];
	return number(block + 148, 8) == sum;
}

static bool is_zero(const char *block)
{
	for (int i = 0; i < TAR_BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

static int set_text(struct buf *out, const char *text, size_t n)
{
	out->len = 0;
	buf_append(out, text, n);
	return out->error;
}

/* The fields of the block; names that an extended header gave stay. */
static int read_fields(struct untar *u, const char *block)
{
	struct tar_entry *e = &u->entry;
	const char *prefix = block + 345;
	int64_t size = number(block + 124, 12), mtime = number(block + 136, 12);
	int64_t mode = number(block + 100, 8), uid = number(block + 108, 8);
	int64_t gid = number(block + 116, 8), major = number(block + 329, 8);
	int64_t minor = number(block + 337, 8);
	bool posix = memcmp(block + 257, "ustar\0", 6) == 0;

	if (size < 0 || mtime < 0 || mode < 0 || uid < 0 || gid < 0 || uid > UINT32_MAX ||
	    gid > UINT32_MAX)
		return -EBADMSG;
	*e = (struct tar_entry){ .type = block[156] ? (enum tar_type)block[156] : TAR_FILE,
				 .mode = (uint32_t)mode & 07777,
				 .uid = (uint32_t)uid,
				 .gid = (uint32_t)gid,
				 .size_bytes = (uint64_t)size,
				 .mtime_s = mtime,
				 .major = (uint32_t)(major < 0 ? 0 : major),
				 .minor = (uint32_t)(minor < 0 ? 0 : minor) };
	if (u->path.len == 0 && posix && prefix[0]) {
		(void)set_text(&u->path, prefix, strnlen(prefix, 155));
		buf_putc(&u->path, '/');
		buf_append(&u->path, block, strnlen(block, 100));
	} else if (u->path.len == 0) {
		(void)set_text(&u->path, block, strnlen(block, 100));
	}
	if (u->link.len == 0)
		(void)set_text(&u->link, block + 157, strnlen(block + 157, 100));
	return u->path.error ? u->path.error : u->link.error;
}

/* ---- extended headers */

struct record {
	const char *key, *value;
	size_t key_len, value_len;
};

/* "LENGTH key=value\n" at *at; 1, 0 at the end, -EBADMSG. */
static int next_record(const struct buf *text, size_t *at, struct record *out)
{
	size_t len = 0, digits = 0;

	if (*at >= text->len)
		return 0;

	const char *p = text->data + *at, *end = text->data + text->len;

	for (; p + digits < end && digits < 8 && p[digits] >= '0' && p[digits] <= '9'; digits++)
		len = len * 10 + (size_t)(p[digits] - '0');
	if (digits == 0 || len > (size_t)(end - p) || len < digits + 3 || p[digits] != ' ' ||
	    p[len - 1] != '\n')
		return -EBADMSG;
	out->key = p + digits + 1;
	const char *equals = memchr(out->key, '=', len - digits - 2);

	if (!equals)
		return -EBADMSG;
	out->key_len = (size_t)(equals - out->key);
	out->value = equals + 1;
	out->value_len = (size_t)(p + len - 1 - out->value);
	*at += len;
	return 1;
}

static bool is_key(const struct record *r, const char *key)
{
	return r->key_len == strlen(key) && memcmp(r->key, key, r->key_len) == 0;
}

static int read_number(const struct record *r, uint64_t max, uint64_t *out)
{
	char text[24];

	if (r->value_len >= sizeof(text))
		return -EBADMSG;
	memcpy(text, r->value, r->value_len);
	text[r->value_len] = '\0';
	return str_u64(text, out) < 0 || *out > max ? -EBADMSG : 0;
}

/* Seconds with a fraction, as tar.c writes them. */
static int read_time(const struct record *r, struct tar_entry *e)
{
	bool negative = r->value_len && r->value[0] == '-';
	const char *dot = memchr(r->value, '.', r->value_len);
	struct record whole = *r;
	uint64_t seconds;
	uint32_t ns = 0, unit = 100000000;

	whole.value += negative;
	whole.value_len = (size_t)((dot ? dot : r->value + r->value_len) - whole.value);
	if (read_number(&whole, INT64_MAX >> 1, &seconds) < 0)
		return -EBADMSG;
	for (const char *p = dot ? dot + 1 : NULL; p && p < r->value + r->value_len; p++) {
		if (*p < '0' || *p > '9')
			return -EBADMSG;
		ns += (uint32_t)(*p - '0') * unit;
		unit /= 10;
	}
	e->mtime_s = negative ? -(int64_t)seconds - (ns != 0) : (int64_t)seconds;
	e->mtime_ns = negative && ns ? 1000000000 - ns : ns;
	return 0;
}

/* The name is closed by a NUL in place of its '='. */
static int read_xattr(struct untar *u, const struct record *r)
{
	static const char prefix[] = "SCHILY.xattr.";
	size_t n = strlen(prefix);

	if (r->key_len <= n || memcmp(r->key, prefix, n) != 0)
		return 0;
	if (u->entry.n_xattrs == UNTAR_XATTRS_MAX)
		return -E2BIG;
	((char *)(uintptr_t)r->key)[r->key_len] = '\0';
	u->xattrs[u->entry.n_xattrs++] = (struct tar_xattr){ r->key + n, r->value, r->value_len };
	return 0;
}

static int apply_record(struct untar *u, const struct record *r)
{
	struct tar_entry *e = &u->entry;
	uint64_t value;
	int n = 0;

	if (is_key(r, "size"))
		return read_number(r, INT64_MAX, &e->size_bytes);
	if (is_key(r, "mtime"))
		return read_time(r, e);
	if (is_key(r, "uid") && (n = read_number(r, UINT32_MAX, &value)) == 0)
		e->uid = (uint32_t)value;
	else if (is_key(r, "gid") && (n = read_number(r, UINT32_MAX, &value)) == 0)
		e->gid = (uint32_t)value;
	return n ? n : read_xattr(u, r);
}

/* Names are read before the entry's own header, the rest after it. */
static int apply(struct untar *u, bool names)
{
	struct record r;
	size_t at = 0;
	int n, result = 0;

	while (result == 0 && (n = next_record(&u->extended, &at, &r)) == 1) {
		if (!names)
			result = apply_record(u, &r);
		else if (is_key(&r, "path"))
			result = set_text(&u->path, r.value, r.value_len);
		else if (is_key(&r, "linkpath"))
			result = set_text(&u->link, r.value, r.value_len);
	}
	return result ? result : n;
}

static int take_extended(struct untar *u, const char *block, struct buf *out, struct err *err)
{
	int64_t size = number(block + 124, 12);

	if (size < 0 || size > UNTAR_EXTENDED_MAX)
		return damaged(err, "an extended header is too long");
	out->len = 0;
	int r = take(u, (uint64_t)size, out, err);

	if (r == 1)
		r = take(u, tar_padding((uint64_t)size), NULL, err);
	return r < 0 ? r : 1;
}

/* ---- entries */

static int skip(struct untar *u, struct err *err)
{
	uint64_t n = u->left + u->padding;

	u->left = u->padding = 0;
	return n == 0 ? 1 : take(u, n, NULL, err);
}

/* A block with a good checksum: 1; 0 at the end. */
static int next_block(struct untar *u, struct buf *block, struct err *err)
{
	block->len = 0;
	int r = take(u, TAR_BLOCK, block, err);

	if (r <= 0)
		return r;
	if (is_zero(block->data))
		return 0;
	return checksum_fits(block->data) ? 1 : damaged(err, "the checksum of a header is wrong");
}

static int finish_entry(struct untar *u, const char *block, struct err *err)
{
	struct tar_entry *e = &u->entry;
	int r = apply(u, true);

	r = r ? r : read_fields(u, block);
	r = r ? r : apply(u, false);
	if (r < 0)
		return damaged(err, "a header cannot be read");
	e->path = u->path.data;
	e->link = u->link.len ? u->link.data : NULL;
	e->xattrs = u->xattrs;
	if (e->type != TAR_FILE)
		e->size_bytes = 0;
	if (strlen(e->path) != u->path.len || (e->link && strlen(e->link) != u->link.len))
		return damaged(err, "a name has a NUL");
	u->left = e->size_bytes;
	u->padding = tar_padding(u->left);
	return 1;
}

static int next_entry(struct untar *u, struct buf *block, struct err *err)
{
	int r = next_block(u, block, err);

	while (r == 1) {
		switch (block->data[156]) {
		case 'x':
			r = take_extended(u, block->data, &u->extended, err);
			break;
		case 'g': /* comments */
			r = take_extended(u, block->data, &u->path, err);
			u->path.len = 0;
			break;
		case 'L':
			r = take_extended(u, block->data, &u->path, err);
			u->path.len -= u->path.len && !u->path.data[u->path.len - 1];
			break;
		case 'K':
			r = take_extended(u, block->data, &u->link, err);
			u->link.len -= u->link.len && !u->link.data[u->link.len - 1];
			break;
		default:
			return finish_entry(u, block->data, err);
		}
		r = r == 1 ? next_block(u, block, err) : r;
		if (r == 0)
			return damaged(err, "an extended header is the last");
	}
	return r;
}

int untar_next(struct untar *u, struct err *err)
{
	cleanup(buf_deinit) struct buf block = BUF_NULL;
	int r = skip(u, err);

	u->extended.len = u->path.len = u->link.len = 0;
	u->entry = (struct tar_entry){ 0 };
	if (r == 0)
		return damaged(err, "it ends in the middle");
	return r < 0 ? r : next_entry(u, &block, err);
}

ssize_t untar_data(struct untar *u, const void **data, struct err *err)
{
	if (u->left == 0)
		return 0;
	int r = fill(u, err);

	if (r <= 0)
		return r < 0 ? r : damaged(err, "it ends in the middle");
	size_t n = u->n_bytes < u->left ? u->n_bytes : (size_t)u->left;

	*data = u->bytes;
	u->bytes += n;
	u->n_bytes -= n;
	u->left -= n;
	return (ssize_t)n;
}

void untar_deinit(struct untar *u)
{
	buf_deinit(&u->extended);
	buf_deinit(&u->path);
	buf_deinit(&u->link);
}
