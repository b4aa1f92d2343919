/* SPDX-License-Identifier: Apache-2.0 */
#include "untar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base_test.h"

/* Gives an archive in pieces of `step` bytes. */
struct pieces {
	const char *data;
	size_t n, step;
};

static ssize_t give(void *ctx, const void **data, struct err *err)
{
	struct pieces *p = ctx;
	size_t n = p->n < p->step ? p->n : p->step;

	(void)err;
	*data = p->data;
	p->data += n;
	p->n -= n;
	return (ssize_t)n;
}

static void add(struct buf *b, const struct tar_entry *e, const char *data)
{
	static const char zeros[TAR_BLOCK];

	tar_head(e, b);
	buf_append(b, data, e->size_bytes);
	buf_append(b, zeros, tar_padding(e->size_bytes));
}

static void same(const struct tar_entry *a, const struct tar_entry *b)
{
	assert_int_equal(a->type, b->type);
	assert_string_equal(a->path, b->path);
	assert_string_equal(a->link ? a->link : "", b->link ? b->link : "");
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->size_bytes, b->size_bytes);
	assert_int_equal(a->mtime_s, b->mtime_s);
	assert_int_equal(a->mtime_ns, b->mtime_ns);
	assert_int_equal(a->n_xattrs, b->n_xattrs);
	for (size_t i = 0; i < a->n_xattrs; i++) {
		assert_string_equal(a->xattrs[i].name, b->xattrs[i].name);
		assert_int_equal(a->xattrs[i].len, b->xattrs[i].len);
		assert_memory_equal(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].len);
	}
}

static char long_path[301];
static const struct tar_xattr notes[] = { { "user.a", "x\0y", 3 }, { "user.b", "", 0 } };
static const struct tar_entry entries[] = {
	{ .type = TAR_DIR, .path = "d/", .mode = 01777, .mtime_s = 5 },
	{ .type = TAR_FILE,
	  .path = "d/f",
	  .mode = 04755,
	  .uid = 1,
	  .gid = 2,
	  .size_bytes = 700,
	  .mtime_s = 1700000000,
	  .mtime_ns = 120000000,
	  .xattrs = notes,
	  .n_xattrs = 2 },
	{ .type = TAR_SYMLINK, .path = "d/l", .link = "../x", .mode = 0777 },
	{ .type = TAR_HARDLINK, .path = long_path, .link = "d/f" },
	{ .type = TAR_SYMLINK, .path = "to", .link = long_path },
	{ .type = TAR_FILE, .path = "old", .uid = 3000000, .mtime_s = -3, .mtime_ns = 250000000 },
	{ .type = TAR_CHAR, .path = "null", .mode = 0666, .major = 1, .minor = 3 },
};

static void what_was_written_is_read(void **state)
{
	struct buf b = BUF_NULL;
	char data[700];

	(void)state;
	memset(long_path, 'p', 300);
	memset(data, 'd', sizeof(data));
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		add(&b, &entries[i], data);
	tar_end(&b);
	for (size_t step = 1; step < 2000; step = step * 3 + 1) {
		struct pieces p = { b.data, b.len, step };
		struct untar u = { .read = give, .ctx = &p };

		for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
			const void *bytes;
			size_t n = 0;
			ssize_t got;

			assert_int_equal(untar_next(&u, NULL), 1);
			same(&u.entry, &entries[i]);
			/* some of the data of some is left where it is */
			while (i % 2 && (got = untar_data(&u, &bytes, NULL)) > 0)
				n += (size_t)got;
			assert_int_equal(n, i % 2 ? entries[i].size_bytes : 0);
		}
		assert_int_equal(untar_next(&u, NULL), 0);
		untar_deinit(&u);
	}
	buf_deinit(&b);
}

static int read_all(const char *data, size_t n)
{
	struct pieces p = { data, n, 512 };
	struct untar u = { .read = give, .ctx = &p };
	struct err err = ERR_NULL;
	int r;

	while ((r = untar_next(&u, &err)) == 1)
		;
	untar_deinit(&u);
	return r;
}

static void damage_is_an_error(void **state)
{
	struct buf b = BUF_NULL;

	(void)state;
	add(&b, &entries[1], (char[700]){ 0 });
	for (size_t n = 1; n < b.len; n++)
		assert_int_equal(read_all(b.data, n), -EINVAL);
	assert_int_equal(read_all(b.data, b.len), 0);
	assert_int_equal(read_all(b.data, 0), 0);
	for (size_t i = 0; i < 512; i++) {
		b.data[i] ^= 0x11;
		assert_int_equal(read_all(b.data, b.len), -EINVAL);
		b.data[i] ^= 0x11;
	}
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(damage_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
