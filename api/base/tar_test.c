/* SPDX-License-Identifier: Apache-2.0 */
#include "tar.h"

#include <stdlib.h>
#include <string.h>

#include "base_test.h"

static unsigned int sum_of(const char *block)
{
	unsigned int sum = 8 * ' ';

	for (int i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? 0u : (unsigned char)block[i];
	return sum;
}

static void plain_file_is_one_block(void **state)
{
	const struct tar_entry e = { .type = TAR_FILE,
				     .path = "etc/passwd",
				     .mode = 04644,
				     .uid = 12,
				     .gid = 34,
				     .size_bytes = 513,
				     .mtime_s = 1700000000 };
	struct buf b = BUF_NULL;

	(void)state;
	tar_head(&e, &b);
	assert_int_equal(b.error, 0);
	assert_int_equal(b.len, TAR_BLOCK);
	assert_string_equal(b.data, "etc/passwd");
	assert_string_equal(b.data + 100, "0004644");
	assert_string_equal(b.data + 108, "0000014");
	assert_string_equal(b.data + 124, "00000001001");
	assert_string_equal(b.data + 136, "14524770400");
	assert_int_equal(b.data[156], '0');
	assert_int_equal(strtoul(b.data + 148, NULL, 8), sum_of(b.data));
	buf_deinit(&b);
}

static void has(const struct buf *b, const char *record)
{
	assert_int_equal(b->data[156], 'x');
	assert_non_null(memmem(b->data, b->len, record, strlen(record)));
}

static void what_does_not_fit_is_extended(void **state)
{
	char path[151];
	const struct tar_xattr note = { "user.note", "a\0b", 3 };
	struct tar_entry e = { .type = TAR_FILE, .path = path };
	struct buf b = BUF_NULL;

	(void)state;
	memset(path, 'p', 150);
	path[150] = '\0';
	e.size_bytes = 8589934592;
	e.uid = 2097152;
	e.mtime_s = -2;
	e.mtime_ns = 750000000;
	e.xattrs = &note;
	e.n_xattrs = 1;
	tar_head(&e, &b);
	has(&b, "160 path=ppp");
	has(&b, "19 size=8589934592\n");
	has(&b, "15 uid=2097152\n");
	has(&b, "15 mtime=-1.25\n");
	assert_non_null(memmem(b.data, b.len, "30 SCHILY.xattr.user.note=a\0b\n", 30));
	assert_null(memmem(b.data, b.len, "gid=", 4));
	assert_int_equal(b.len % TAR_BLOCK, 0);
	buf_deinit(&b);
}

static void names_of_no_encoding(void **state)
{
	char path[151];
	const struct tar_entry e = { .type = TAR_FILE, .path = path };
	struct buf b = BUF_NULL;

	(void)state;
	memset(path, 'p', 150);
	memcpy(path, "\xc3\xa4\xe2\x82\xac", 5);
	path[150] = '\0';
	tar_head(&e, &b);
	assert_null(memmem(b.data, b.len, "hdrcharset", 10));
	b.len = 0;
	path[149] = '\xc3';
	tar_head(&e, &b);
	has(&b, "21 hdrcharset=BINARY\n160 path=");
	buf_deinit(&b);
}

/* A record's length counts its own digits, of which there may be one more by that. */
static void length_counts_itself(void **state)
{
	char path[102] = { 0 }, value[100] = { 0 };
	struct tar_xattr x = { "n", value, 0 };
	struct tar_entry e = { .type = TAR_DIR, .path = "d/", .xattrs = &x, .n_xattrs = 1 };

	(void)state;
	memset(path, 'a', 101);
	for (x.len = 75; x.len < 85; x.len++) {
		struct buf b = BUF_NULL;
		size_t said;
		char *end;

		memset(value, 'v', sizeof(value));
		tar_head(&e, &b);
		said = strtoul(b.data + TAR_BLOCK, &end, 10);
		assert_int_equal(*end, ' ');
		assert_int_equal(b.data[TAR_BLOCK + said - 1], '\n');
		assert_int_equal(b.data[TAR_BLOCK + said], '\0');
		buf_deinit(&b);
	}
}

static void ends_in_two_blocks(void **state)
{
	struct buf b = BUF_NULL;

	(void)state;
	tar_end(&b);
	assert_int_equal(b.len, 1024);
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), 511);
	assert_int_equal(tar_padding(512), 0);
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_file_is_one_block),
		cmocka_unit_test(what_does_not_fit_is_extended),
		cmocka_unit_test(names_of_no_encoding),
		cmocka_unit_test(length_counts_itself),
		cmocka_unit_test(ends_in_two_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
