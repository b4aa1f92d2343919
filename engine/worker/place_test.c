/* SPDX-License-Identifier: Apache-2.0 */
/* Where entries go, what is refused, and what kind of bytes a file's first ones are. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "jobs.h"

static const struct {
	const char *raw, *clean; /* NULL: refused */
} cases[] = {
	{ "a/b", "a/b" },
	{ "./a//b/", "a/b" },
	{ "/a", "a" },
	{ "///", "" },
	{ ".", "" },
	{ "a/./b", "a/b" },
	{ "..a/b..", "..a/b.." },
	{ "..", NULL },
	{ "a/..", NULL },
	{ "/../a", NULL },
	{ "a/../b", NULL },
};

static void paths(void **state)
{
	char out[JOB_PATH_MAX + 1], longest[JOB_PATH_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(place_clean(cases[i].raw, out, NULL),
				 cases[i].clean ? 0 : -EINVAL);
		if (cases[i].clean)
			assert_string_equal(out, cases[i].clean);
	}
	assert_int_equal(place_clean(NULL, out, NULL), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[JOB_NAME_MAX] = '\0';
	assert_int_equal(place_clean(longest, out, NULL), 0);
	longest[JOB_NAME_MAX] = 'a';
	longest[JOB_NAME_MAX + 1] = '\0';
	assert_int_equal(place_clean(longest, out, NULL), -EINVAL);
}

/* Once a link is there, nothing goes through it. */
static void parents(void **state)
{
	char dir[] = "/tmp/cleat-place-XXXXXX", path[] = "a/b/c", through[] = "link/x";
	struct place p = { .root = -1, .fd = -1 };
	const char *name;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	p.root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place_parent(&p, path, &name, NULL) >= 0);
	assert_string_equal(name, "c");
	assert_string_equal(path, "a/b/c");
	assert_int_equal(fstatat(p.root, "a/b", &st, 0), 0);
	assert_int_equal(symlinkat("/tmp", p.root, "link"), 0);
	assert_int_equal(place_parent(&p, through, &name, NULL), -EINVAL);
	place_forget(&p);
	close(p.root);
	assert_int_equal(fd_remove_tree(AT_FDCWD, dir), 0);
}

static void kinds(void **state)
{
	unsigned char block[TARBALL_HEAD] = { 0 };

	(void)state;
	assert_int_equal(tarball_kind(block, sizeof(block)), TARBALL_PLAIN);
	assert_int_equal(tarball_kind(block, sizeof(block) - 1), TARBALL_OTHER);
	assert_int_equal(tarball_kind("\x1f\x8b", 2), TARBALL_GZIP);
	assert_int_equal(tarball_kind("\x28\xb5\x2f\xfd", 4), TARBALL_FILTERED);
	assert_int_equal(tarball_kind("\xfd\x37zXZ", 5), TARBALL_FILTERED);
	assert_int_equal(tarball_kind("BZh9", 4), TARBALL_FILTERED);
	assert_int_equal(tarball_kind("{}", 2), TARBALL_OTHER);
	block[0] = 'x';
	assert_int_equal(tarball_kind(block, sizeof(block)), TARBALL_OTHER);
	/* 'x' and eight blanks are 376 = 0570 */
	memcpy(block + 148, "000570\0 ", 8);
	assert_int_equal(tarball_kind(block, sizeof(block)), TARBALL_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(paths), cmocka_unit_test(parents),
					    cmocka_unit_test(kinds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
