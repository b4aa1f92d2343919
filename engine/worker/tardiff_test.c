/* SPDX-License-Identifier: Apache-2.0 */
/* Tars made by hand, as the odd ones have no maker any more. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "str.h"
#include "tardiff.h"
#include "tarfield.h"
#include "tarparse.h"

/* One header; `body` (NULL = none) behind it, filled up. */
static void put(struct buf *tar, char type, const char *name, const char *link, const char *body,
		size_t n)
{
	static const char zeroes[TAR_BLOCK];
	char h[TAR_BLOCK] = "";
	unsigned int sum = 0;

	(void)snprintf(h, 100, "%s", name);
	(void)snprintf(h + 100, 8, "0000644");
	(void)snprintf(h + 108, 8, "0001750");
	(void)snprintf(h + 116, 8, "0001751");
	(void)snprintf(h + 124, 12, "%011zo", n);
	(void)snprintf(h + 136, 12, "%011o", 1700000000);
	h[156] = type;
	(void)snprintf(h + 157, 100, "%s", link);
	(void)snprintf(h + 257, 6, "ustar");
	h[263] = h[264] = '0';
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	(void)snprintf(h + 148, 8, "%06o", sum);
	buf_append(tar, h, sizeof(h));
	if (body) {
		buf_append(tar, body, n);
		buf_append(tar, zeroes, (TAR_BLOCK - n % TAR_BLOCK) % TAR_BLOCK);
	}
}

/* Adds "LEN KEY=VALUE\n". */
static void record(struct buf *pax, const char *key, const char *value)
{
	size_t len = strlen(key) + strlen(value) + 3, digits = 1;

	while (snprintf(NULL, 0, "%zu", len + digits) != (int)digits)
		digits++;
	buf_printf(pax, "%zu %s=%s\n", len + digits, key, value);
}

static void end(struct buf *tar)
{
	static const char zeroes[2 * TAR_BLOCK];

	buf_append(tar, zeroes, sizeof(zeroes));
}

struct last {
	int n;
	struct tar_entry e;
	char path[400], link[400], xattr[64];
	struct tar_piece pieces[8];
};

static void take(struct last *l, const struct tar_entry *e)
{
	l->n++;
	l->e = *e;
	(void)snprintf(l->path, sizeof(l->path), "%s", e->path);
	(void)snprintf(l->link, sizeof(l->link), "%s", str_or_empty(e->link));
	if (e->n_xattrs)
		(void)snprintf(l->xattr, sizeof(l->xattr), "%s=%.*s", e->xattrs[0].name,
			       (int)e->xattrs[0].len, (const char *)e->xattrs[0].value);
	for (size_t i = 0; i < e->n_pieces && i < ARRAY_LEN(l->pieces); i++)
		l->pieces[i] = e->pieces[i];
}

/* One byte. */
static int feed(struct tarparse *p, const char *byte, struct last *last, struct err *err)
{
	struct tarparse_data data;
	size_t n = 1;
	int event;

	while ((event = tarparse_step(p, &byte, &n, &data, err)) == TARPARSE_ENTRY ||
	       event == TARPARSE_DATA)
		if (event == TARPARSE_ENTRY)
			take(last, tarparse_entry(p));
	return event;
}

/* Parses byte by byte; libarchive must agree. */
static int parse(const struct buf *tar, struct last *last, struct err *err)
{
	cleanup(tarparse_freep) struct tarparse *p = NULL;
	int r;

	*last = (struct last){ 0 };
	*err = ERR_NULL;
	assert_int_equal(tarparse_new(&p), 0);
	r = 0;
	for (size_t i = 0; r == 0 && i < tar->len; i++)
		r = feed(p, tar->data + i, last, err);
	r = r < 0 ? r : tarparse_end(p, err);
	assert_int_equal(tardiff(tar->data, tar->len), r == 0);
	return r;
}

static void plain(void **state)
{
	cleanup(buf_deinit) struct buf tar = BUF_NULL;
	struct last last;
	struct err err;

	(void)state;
	put(&tar, '0', "a/first", "", "x", 1);
	put(&tar, '2', "link", "target", NULL, 0);
	put(&tar, '\0', "dir/", "", NULL, 0);
	put(&tar, '0', "second", "", "hello", 5);
	end(&tar);
	buf_puts(&tar, "what follows is of no interest");
	assert_int_equal(parse(&tar, &last, &err), 0);
	assert_int_equal(last.n, 4);
	assert_string_equal(last.path, "second");
	assert_int_equal(last.e.size_bytes, 5);
	assert_memory_equal(tar.data + last.e.offset, "hello", 5);
	assert_int_equal(last.e.mode, 0644);
	assert_int_equal(last.e.uid, 1000);
	assert_int_equal(last.e.gid, 1001);
	assert_int_equal(last.e.mtime_s, 1700000000);
}

static void extended(void **state)
{
	cleanup(buf_deinit) struct buf tar = BUF_NULL, pax = BUF_NULL;
	char name[301] = "";
	struct last last;
	struct err err;

	(void)state;
	memset(name, 'n', 300);
	record(&pax, "path", name);
	record(&pax, "size", "3");
	record(&pax, "mtime", "12.0345");
	record(&pax, "uid", "4000000000");
	record(&pax, "SCHILY.xattr.user.a", "b\nc");
	record(&pax, "comment", "ignored");
	put(&tar, 'g', "global", "", pax.data, pax.len);
	put(&tar, 'x', "pax", "", pax.data, pax.len);
	put(&tar, '0', "short", "", "abc", 3);
	end(&tar);
	assert_int_equal(parse(&tar, &last, &err), 0);
	assert_string_equal(last.path, name);
	assert_int_equal(last.e.size_bytes, 3);
	assert_int_equal(last.e.mtime_s, 12);
	assert_int_equal(last.e.mtime_ns, 34500000);
	assert_int_equal(last.e.uid, 4000000000u);
	assert_string_equal(last.xattr, "user.a=b\nc");
}

static void gnu_names(void **state)
{
	cleanup(buf_deinit) struct buf tar = BUF_NULL;
	char name[251] = "", target[261] = "";
	struct last last;
	struct err err;

	(void)state;
	memset(name, 'n', 250);
	memset(target, 't', 260);
	put(&tar, 'L', "././@LongLink", "", name, sizeof(name));
	put(&tar, 'K', "././@LongLink", "", target, sizeof(target));
	put(&tar, '2', "short", "short", NULL, 0);
	put(&tar, '0', "next", "", NULL, 0);
	put(&tar, 'K', "././@LongLink", "", target, sizeof(target));
	put(&tar, 'L', "././@LongLink", "", name, sizeof(name));
	put(&tar, '1', "short", "short", NULL, 0);
	end(&tar);
	assert_int_equal(parse(&tar, &last, &err), 0);
	assert_int_equal(last.n, 3);
	assert_string_equal(last.path, name);
	assert_string_equal(last.link, target);
}

static void cut(void **state)
{
	cleanup(buf_deinit) struct buf tar = BUF_NULL;
	struct last last;
	struct err err;

	(void)state;
	put(&tar, 'L', "././@LongLink", "", "name", 5);
	put(&tar, '0', "short", "", "body", 4);
	for (size_t len = tar.len; len > 0; len--) {
		tar.len = len;
		assert_int_equal(parse(&tar, &last, &err) < 0, len != (size_t)4 * TAR_BLOCK);
	}
	assert_string_equal(err.message, "Truncated tar archive");
}

static void pax_refused(void **state)
{
	static const char *const bad[] = { "5 a=b\n",       "6 a=b",          "0 a=b\n",
					   "a=b\n",         "6 =ab\n",        "8 size=\n",
					   "8 path=\n",     "13 linkpath=\n", "99 a=b\n",
					   "12 mtime=x1\n", "11 uid=-1\n",    "10 size=x\n",
					   "6  a=b\n" };
	struct last last;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup(buf_deinit) struct buf tar = BUF_NULL;

		put(&tar, 'x', "pax", "", bad[i], strlen(bad[i]));
		put(&tar, '0', "f", "", NULL, 0);
		if (parse(&tar, &last, &err) == 0)
			fail_msg("taken: %s", bad[i]);
	}
}

/* libarchive skips so many bytes, others none. */
static void sizes_of_nothing(void **state)
{
	cleanup(buf_deinit) struct buf dir = BUF_NULL, volume = BUF_NULL, pax = BUF_NULL;
	struct last last;
	struct err err;

	(void)state;
	record(&pax, "size", "3");
	put(&dir, 'x', "pax", "", pax.data, pax.len);
	put(&dir, '5', "d", "", NULL, 0);
	put(&dir, '0', "f", "", "abc", 3);
	assert_int_equal(parse(&dir, &last, &err), -EINVAL);
	assert_non_null(strstr(err.message, "no bytes"));
	put(&volume, 'V', "name", "", "abc", 3);
	put(&volume, '0', "f", "", "abc", 3);
	assert_int_equal(parse(&volume, &last, &err), -EINVAL);
	assert_non_null(strstr(err.message, "volume"));
}

/* Some take the header's own name then. */
static void empty_names(void **state)
{
	struct last last;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		cleanup(buf_deinit) struct buf tar = BUF_NULL;

		put(&tar, i < 2 ? 'L' : 'K', "l", "", i % 2 ? "\0x" : NULL, i % 2 ? 2 : 0);
		put(&tar, '5', "d", "", NULL, 0);
		assert_int_equal(parse(&tar, &last, &err), -EINVAL);
		assert_non_null(strstr(err.message, "empty name"));
	}
}

static void refused(void **state)
{
	cleanup(buf_deinit) struct buf twice = BUF_NULL, sparse = BUF_NULL, sum = BUF_NULL,
				       text = BUF_NULL;
	struct last last;
	struct err err;

	(void)state;
	put(&twice, 'L', "l", "", "one", 4);
	put(&twice, 'L', "l", "", "two", 4);
	put(&twice, '0', "f", "", NULL, 0);
	assert_int_equal(parse(&twice, &last, &err), -EINVAL);
	record(&text, "GNU.sparse.major", "1");
	put(&sparse, 'x', "x", "", text.data, text.len);
	put(&sparse, '0', "f", "", NULL, 0);
	assert_int_equal(parse(&sparse, &last, &err), -EINVAL);
	assert_non_null(strstr(err.message, "holes"));
	put(&sum, '0', "f", "", NULL, 0);
	sum.data[0]++;
	assert_int_equal(parse(&sum, &last, &err), -EINVAL);
	assert_non_null(strstr(err.message, "checksum"));
}

/* ---- files with holes: 512 bytes "a" at 1024, three bytes "end" at 4096 */

enum { REAL_SIZE = 4099 };

static void holes_body(struct buf *out)
{
	char block[TAR_BLOCK];

	memset(block, 'a', sizeof(block));
	buf_append(out, block, sizeof(block));
	buf_puts(out, "end");
}

static void expect_holes(struct buf *tar)
{
	struct last last;
	struct err err;

	put(tar, '0', "behind", "", "b", 1);
	end(tar);
	if (parse(tar, &last, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(last.n, 2);
	assert_string_equal(last.path, "behind");
	assert_false(last.e.sparse);
	tar->len -= 4 * TAR_BLOCK;
	assert_int_equal(parse(tar, &last, &err), 0);
	assert_true(last.e.sparse && last.e.type == TAR_FILE);
	assert_string_equal(last.path, "holes");
	assert_int_equal(last.e.size_bytes, REAL_SIZE);
	assert_int_equal(last.e.n_pieces, 2);
	assert_int_equal(last.pieces[0].at, 1024);
	assert_int_equal(last.pieces[0].len, 512);
	assert_int_equal(last.pieces[1].at, 4096);
	assert_memory_equal(tar->data + last.pieces[0].offset, "aaaa", 4);
	assert_memory_equal(tar->data + last.pieces[1].offset, "end", 3);
}

static void pax_holes(void **state)
{
	static const char *const keys[][12] = {
		{ "size", "4099", "numblocks", "2", "offset", "1024", "numbytes", "512", "offset",
		  "4096", "numbytes", "3" },
		{ "major", "0", "minor", "1", "name", "holes", "size", "4099", "map",
		  "1024,512,4096,3" },
		{ "major", "1", "minor", "0", "name", "holes", "realsize", "4099" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		cleanup(buf_deinit) struct buf tar = BUF_NULL, pax = BUF_NULL, body = BUF_NULL;
		char key[40];

		for (size_t k = 0; k < 12 && keys[i][k]; k += 2) {
			(void)snprintf(key, sizeof(key), "GNU.sparse.%s", keys[i][k]);
			record(&pax, key, keys[i][k + 1]);
		}
		if (i == 2) {
			buf_puts(&body, "2\n1024\n512\n4096\n3\n");
			while (body.len < TAR_BLOCK)
				buf_putc(&body, '\0');
		}
		holes_body(&body);
		put(&tar, 'x', "pax", "", pax.data, pax.len);
		put(&tar, '0', i ? "GNUSparseFile.1/holes" : "holes", "", body.data, body.len);
		expect_holes(&tar);
	}
}

/* Readers that know a list of pieces only behind their number would see none. */
static void pax_holes_not_counted(void **state)
{
	cleanup(buf_deinit) struct buf tar = BUF_NULL, pax = BUF_NULL, body = BUF_NULL;
	struct last last;
	struct err err;

	(void)state;
	record(&pax, "GNU.sparse.size", "4099");
	record(&pax, "GNU.sparse.offset", "1024");
	record(&pax, "GNU.sparse.numbytes", "515");
	holes_body(&body);
	put(&tar, 'x', "pax", "", pax.data, pax.len);
	put(&tar, '0', "holes", "", body.data, body.len);
	end(&tar);
	assert_int_equal(parse(&tar, &last, &err), -EINVAL);
}

/* An old header with its table of pieces: rows of text. */
static void put_old_holes(struct buf *tar, const char *const rows[][2], size_t n, const char *real,
			  const struct buf *body)
{
	size_t at = tar->len;
	unsigned int sum = 0;

	put(tar, 'S', "holes", "", body->data, body->len);
	char *h = tar->data + at;

	memcpy(h + 257, "ustar  ", 8);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(h + 386 + i * 24, 12, "%s", rows[i][0]);
		(void)snprintf(h + 386 + i * 24 + 12, 12, "%s", rows[i][1]);
	}
	(void)snprintf(h + 483, 12, "%s", real);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)h[i];
	(void)snprintf(h + 148, 8, "%06o", sum);
}

static void old_holes(void **state)
{
	static const char *const rows[][2] = { { "00000002000", "00000001000" },
					       { "00000010000", "00000000003" } };
	cleanup(buf_deinit) struct buf tar = BUF_NULL, body = BUF_NULL;

	(void)state;
	holes_body(&body);
	put_old_holes(&tar, rows, 2, "00000010003", &body);
	expect_holes(&tar);
}

static void bad_holes(void **state)
{
	static const struct {
		const char *rows[2][2], *real;
	} cases[] = {
		{ { { "1000", "1000" }, { "1777", "3" } }, "10003" },  /* they overlap */
		{ { { "4000", "1000" }, { "1000", "3" } }, "10003" },  /* they go down */
		{ { { "1000", "1000" }, { "10000", "3" } }, "10002" }, /* beyond the end */
		{ { { "1000", "1000" }, { "10000", "2" } }, "10002" }, /* more bytes than that */
		{ { { "1000", "1000" }, { "10000", "4" } }, "10004" }, /* fewer */
		{ { { "1000", "777" }, { "10000", "4" } }, "10004" },  /* no whole block */
		{ { { "1001", "1000" }, { "10000", "3" } }, "10003" },
		{ { { "1000", "1000" }, { "10000", "3" } }, "20000" },
		{ { { "1000", "x" }, { "10000", "3" } }, "10003" },
	};
	cleanup(buf_deinit) struct buf body = BUF_NULL;
	struct last last;
	struct err err;

	(void)state;
	holes_body(&body);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf tar = BUF_NULL;

		put_old_holes(&tar, cases[i].rows, 2, cases[i].real, &body);
		end(&tar);
		if (parse(&tar, &last, &err) != -EINVAL)
			fail_msg("case %zu was taken", i);
		assert_non_null(strstr(err.message, "holes"));
	}
}

static void numbers(void **state)
{
	static const struct {
		unsigned char field[12];
		int r;
		int64_t value;
	} cases[] = {
		{ "0000644", 0, 0644 },
		{ "  644 \0", 0, 0644 },
		{ "", 0, 0 },
		{ "12345678", -EINVAL, 0 },
		{ "644x", -EINVAL, 0 },
		{ "644\0005", -EINVAL, 0 },
		{ { 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1 }, 0, (INT64_C(2) << 32) + 1 },
		{ { 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254 }, 0, -2 },
		{ { 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 }, -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 0;

		assert_int_equal(tarfield_number(cases[i].field, 12, &value), cases[i].r);
		assert_int_equal(value, cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(extended),
		cmocka_unit_test(gnu_names),
		cmocka_unit_test(cut),
		cmocka_unit_test(pax_refused),
		cmocka_unit_test(refused),
		cmocka_unit_test(empty_names),
		cmocka_unit_test(sizes_of_nothing),
		cmocka_unit_test(numbers),
		cmocka_unit_test(pax_holes),
		cmocka_unit_test(pax_holes_not_counted),
		cmocka_unit_test(old_holes),
		cmocka_unit_test(bad_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
