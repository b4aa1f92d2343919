/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in, an image out, which a small reader of its own looks into. What the kernel makes of one the suite
 * tests. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "erofs.h"

enum { BLOCK = 512, SUPER = 1024, TAR_BYTES = 1 << 20 };

static const char tag[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static uint64_t get(const struct buf *b, uint64_t at, size_t n)
{
	uint64_t v = 0;

	assert_true(at + n <= b->len);
	memcpy(&v, b->data + at, n);
	return le64toh(v);
}

/* ---- the reader */

struct inode {
	uint64_t at, size;
	unsigned int layout, mode, start, uid, nlink, xattrs;
};

static struct inode read_inode(const struct buf *b, uint64_t nid)
{
	struct inode i = { .at = nid * 32 };

	assert_int_equal(get(b, i.at, 2) & 1, 1);
	i.layout = (unsigned int)get(b, i.at, 2) >> 1;
	i.xattrs = (unsigned int)get(b, i.at + 2, 2);
	i.mode = (unsigned int)get(b, i.at + 4, 2);
	i.size = get(b, i.at + 8, 8);
	i.start = (unsigned int)get(b, i.at + 16, 4);
	i.uid = (unsigned int)get(b, i.at + 24, 4);
	i.nlink = (unsigned int)get(b, i.at + 44, 4);
	assert_true(i.at % BLOCK <= BLOCK - 64);
	return i;
}

static uint64_t contents(const struct inode *i)
{
	uint64_t behind = i->at + 64 + (i->xattrs ? 12 + 4 * (i->xattrs - 1) : 0);

	if (i->layout == 0)
		return (uint64_t)i->start * BLOCK;
	assert_int_equal(i->layout, 2);
	assert_true(behind % BLOCK + i->size <= BLOCK);
	return behind;
}

/* The inode number of a name in one block of a directory, 0 = not there; names go up. */
static uint64_t find_in_block(const struct buf *b, uint64_t at, uint64_t size, const char *name,
			      char last[256])
{
	uint64_t n = get(b, at + 8, 2) / 12, found = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t from = get(b, at + i * 12 + 8, 2);
		uint64_t to = i + 1 < n ? get(b, at + i * 12 + 20, 2) : size;
		char text[256] = "";

		memcpy(text, b->data + at + from, strnlen(b->data + at + from, to - from));
		assert_true(strcmp(last, text) < 0);
		(void)snprintf(last, 256, "%s", text);
		if (!strcmp(text, name))
			found = get(b, at + i * 12, 8);
	}
	return found;
}

static uint64_t find(const struct buf *b, uint64_t nid, const char *name)
{
	struct inode dir = read_inode(b, nid);
	uint64_t at = contents(&dir), found = 0;
	char last[256] = "";

	assert_true(S_ISDIR(dir.mode));
	for (uint64_t done = 0; done < dir.size; done += BLOCK) {
		uint64_t left = dir.size - done;
		uint64_t nid_here =
			find_in_block(b, at + done, left < BLOCK ? left : BLOCK, name, last);

		found = found ? found : nid_here;
	}
	return found;
}

static uint64_t lookup(const struct buf *b, const char *path)
{
	uint64_t nid = get(b, SUPER + 14, 2);
	char copy[300], *save = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *part = strtok_r(copy, "/", &save); part && nid;
	     part = strtok_r(NULL, "/", &save))
		nid = find(b, nid, part);
	return nid;
}

/* ---- the writer */

static int add(struct tree *tree, char type, const char *path, const char *link, uint64_t size,
	       struct err *err)
{
	const struct tar_entry e = { .type = (enum tar_type)type,
				     .path = path,
				     .link = link[0] ? link : NULL,
				     .mode = 0750,
				     .uid = 1234,
				     .size_bytes = size,
				     .offset = UINT64_C(5) * BLOCK };

	return tree_add(tree, &e, err);
}

static void write_image(struct tree *tree, struct buf *out)
{
	assert_int_equal(erofs_write(tree, TAR_BYTES, tag, out, NULL), 0);
	assert_int_equal(out->len % 4096, 0);
	assert_int_equal(get(out, SUPER, 4), 0xe0f5e1e2);
	assert_int_equal(get(out, SUPER + 36, 4), out->len / BLOCK);
	assert_memory_equal(out->data + 1152, tag, 64);
	assert_int_equal(get(out, 1152 + 64, 4), TAR_BYTES / BLOCK);
}

static void kinds_of_files(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };
	struct inode i;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(add(&tree, TAR_FILE, "a/b/file", "", 700, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "empty", "", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_HARDLINK, "a/twin", "a/b/file", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_SYMLINK, "link", "a/b", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_FIFO, "!before-the-dot", "", 0, NULL), 0);
	write_image(&tree, &b);
	i = read_inode(&b, lookup(&b, "a/b/file"));
	assert_int_equal(i.mode, S_IFREG | 0750);
	assert_int_equal(i.size, 700);
	assert_int_equal(i.start, b.len / BLOCK + 5);
	assert_int_equal(i.uid, 1234);
	assert_int_equal(i.nlink, 2);
	assert_int_equal(lookup(&b, "a/twin"), lookup(&b, "a/b/file"));
	assert_int_equal(read_inode(&b, lookup(&b, "empty")).start, 0xffffffff);
	i = read_inode(&b, lookup(&b, "link"));
	assert_memory_equal(b.data + contents(&i), "a/b", 3);
	assert_int_equal(lookup(&b, "a/b/.."), lookup(&b, "a"));
	assert_int_equal(lookup(&b, ".."), lookup(&b, "."));
	assert_int_equal(read_inode(&b, lookup(&b, "a")).nlink, 3);
	assert_true(lookup(&b, "!before-the-dot"));
	assert_false(lookup(&b, "nothing"));
}

static void long_contents(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };
	char name[300], target[3001] = "";

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "d/%d-%0*d", i, 1 + i % 200, 0);
		assert_int_equal(add(&tree, TAR_FILE, name, "", 1, NULL), 0);
	}
	for (size_t len = 1; len < sizeof(target); len += 7) {
		memset(target, 't', len);
		(void)snprintf(name, sizeof(name), "l%zu", len);
		assert_int_equal(add(&tree, TAR_SYMLINK, name, target, 0, NULL), 0);
	}
	write_image(&tree, &b);
	for (int i = 0; i < 2000; i += 37) {
		(void)snprintf(name, sizeof(name), "d/%d-%0*d", i, 1 + i % 200, 0);
		assert_true(lookup(&b, name));
	}
	for (size_t len = 1; len < sizeof(target); len += 7) {
		struct inode i;

		(void)snprintf(name, sizeof(name), "l%zu", len);
		i = read_inode(&b, lookup(&b, name));
		assert_int_equal(i.size, len);
		assert_memory_equal(b.data + contents(&i), target, len);
	}
}

static void whiteouts(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };
	struct inode i;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(add(&tree, TAR_FILE, "d/.wh.gone", "", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "o/.wh..wh..opq", "", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "o/.wh..wh.plnk", "", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, ".wh.new", "", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_DIR, "new", "", 0, NULL), 0);
	write_image(&tree, &b);
	i = read_inode(&b, lookup(&b, "d/gone"));
	assert_int_equal(i.mode, S_IFCHR);
	assert_int_equal(i.start, 0);
	i = read_inode(&b, lookup(&b, "d"));
	assert_memory_equal(b.data + i.at + 64 + 16, "overlay.origin", 14);
	i = read_inode(&b, lookup(&b, "o"));
	assert_memory_equal(b.data + i.at + 64 + 16, "overlay.opaquey", 15);
	assert_int_equal(b.data[i.at + 64 + 13], 4);
	i = read_inode(&b, lookup(&b, "new"));
	assert_int_equal(i.mode, S_IFDIR | 0750);
	assert_memory_equal(b.data + i.at + 64 + 16, "overlay.opaquey", 15);
	assert_false(lookup(&b, "o/.wh..wh.plnk"));
}

static void what_comes_later_counts(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(add(&tree, TAR_FILE, "d/x/y", "", 1, NULL), 0);
	assert_int_equal(add(&tree, TAR_DIR, "d/x", "", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "was/in/here", "", 1, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "was", "", 2, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "one", "", 3, NULL), 0);
	assert_int_equal(add(&tree, TAR_HARDLINK, "two", "one", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "one", "", 4, NULL), 0);
	write_image(&tree, &b);
	assert_true(lookup(&b, "d/x/y"));
	assert_int_equal(read_inode(&b, lookup(&b, "was")).size, 2);
	assert_int_equal(read_inode(&b, lookup(&b, "two")).size, 3);
	assert_int_equal(read_inode(&b, lookup(&b, "two")).nlink, 1);
	assert_int_equal(read_inode(&b, lookup(&b, "one")).size, 4);
}

static const struct {
	char type;
	const char *path, *link, *message;
} bad[] = {
	{ TAR_FILE, "../x", "", "leads out" },
	{ TAR_FILE, "link/x", "", "a link or a file" },
	{ TAR_FILE, "file/x/y", "", "a link or a file" },
	{ TAR_HARDLINK, "h", "nothing", "no file here" },
	{ TAR_HARDLINK, "h", "dir", "no file here" },
	{ TAR_HARDLINK, "h", "/", "no file here" },
	{ TAR_HARDLINK, "h", "link/x", "no file here" },
	{ TAR_HARDLINK, "h", "../x", "leads out" },
	{ TAR_SYMLINK, "s", "", "to nothing" },
	{ TAR_FILE, "dir/.wh.", "", "a whiteout of nothing" },
	{ TAR_FILE, ".wh...", "", "a whiteout of nothing" },
	{ 'Z', "odd", "", "no layer can have" },
};

static void refused(void **state)
{
	cleanup(tree_deinit) struct tree tree = { 0 };

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(add(&tree, TAR_FILE, "file", "", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_SYMLINK, "link", "dir", 0, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "dir/x", "", 0, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_NULL;

		assert_int_equal(add(&tree, bad[i].type, bad[i].path, bad[i].link, 0, &err),
				 -EINVAL);
		if (!strstr(err.message, bad[i].message))
			fail_msg("%s: %s", bad[i].path, err.message);
	}
}

static void attributes(void **state)
{
	static const char capability[20] = { 1, 0, 0, 2 };
	const struct tar_xattr xattrs[] = { { "user.one", "1", 1 },
					    { "user.overlay.opaque", "y", 1 },
					    { "trusted.overlay.opaque", "y", 1 },
					    { "security.selinux", "x", 1 },
					    { "security.capability", capability, 20 },
					    { "user.one", "22", 2 } };
	const struct tar_xattr broken = { "security.capability", "x", 1 };
	struct tar_entry e = { .type = TAR_FILE,
			       .path = "f",
			       .link = "",
			       .xattrs = xattrs,
			       .n_xattrs = ARRAY_LEN(xattrs) };
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };
	struct inode i;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(tree_add(&tree, &e, NULL), 0);
	write_image(&tree, &b);
	i = read_inode(&b, lookup(&b, "f"));
	/* 12 for the header, 4 + "one22" filled up, 4 + "capability" and 20 bytes filled up */
	assert_int_equal(i.xattrs, 1 + (12 + 36) / 4);
	assert_memory_equal(b.data + i.at + 64 + 12, "\3\1\2\0one22", 9);
	assert_memory_equal(b.data + i.at + 64 + 24, "\12\6\24\0capability\1\0\0\2", 18);
	e.xattrs = &broken;
	e.n_xattrs = 1;
	assert_int_equal(tree_add(&tree, &e, NULL), -EINVAL);
}

/* 512 bytes at 4096 and the file's end at 12288, in chunks of 4096; what is behind the inode keeps out of its way. */
static void holes(void **state)
{
	const struct tar_xattr note = { "user.note", "n", 1 };
	const struct tar_piece pieces[] = { { 4096, 4096, 7 * BLOCK }, { 12288, 5, 15 * BLOCK } };
	const struct tar_entry e = { .type = TAR_FILE,
				     .path = "f",
				     .size_bytes = 12293,
				     .xattrs = &note,
				     .n_xattrs = 1,
				     .sparse = true,
				     .pieces = pieces,
				     .n_pieces = 2 };
	static const uint64_t blocks[] = { 0xffffffff, 7, 0xffffffff, 15 };
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };
	struct err err;
	struct inode i;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(tree_add(&tree, &e, NULL), 0);
	assert_int_equal(add(&tree, TAR_FILE, "g", "", 700, &err), 0);
	assert_int_equal(tree.size, 4096 + 5 + 700);
	write_image(&tree, &b);
	i = read_inode(&b, lookup(&b, "f"));
	assert_int_equal(i.layout, 4);
	assert_int_equal(i.size, 12293);
	assert_int_equal(i.start, 0x20 | 3); /* 512 << 3 */
	uint64_t at = i.at + 64 + (12 + 4 * (i.xattrs - 1) + 7) / 8 * 8;

	for (size_t k = 0; k < ARRAY_LEN(blocks); k++, at += 8) {
		assert_int_equal(get(&b, at + 2, 2), blocks[k] == 0xffffffff ? 0 : 1);
		assert_int_equal(get(&b, at + 4, 4), blocks[k]);
	}
	assert_true(read_inode(&b, lookup(&b, "g")).at >= at);
}

static void too_big(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;
	cleanup(tree_deinit) struct tree tree = { 0 };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(tree_init(&tree), 0);
	assert_int_equal(erofs_write(&tree, UINT64_C(1) << 41, tag, &b, &err), -EFBIG);
	assert_non_null(strstr(err.message, "2 TiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_files), cmocka_unit_test(long_contents),
		cmocka_unit_test(whiteouts),      cmocka_unit_test(what_comes_later_counts),
		cmocka_unit_test(refused),        cmocka_unit_test(attributes),
		cmocka_unit_test(too_big),        cmocka_unit_test(holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
