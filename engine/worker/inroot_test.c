/* SPDX-License-Identifier: Apache-2.0 */
#include "inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"

static const struct {
	const char *raw, *text, *name;
	bool directory;
} cases[] = {
	{ "/etc/passwd", "/etc/passwd", "passwd", false },
	{ "etc/passwd", "/etc/passwd", "passwd", false },
	{ "//etc///passwd", "/etc/passwd", "passwd", false },
	{ "/etc/", "/etc", "etc", true },
	{ "/etc/.", "/etc", ".", true },
	{ "/etc/./x", "/etc/x", "x", false },
	{ "/", "/", "/", true },
	{ ".", "/", ".", true },
	{ "", "/", "/", true },
	{ "..", "/", "/", true },
	{ "/../../etc/../x/..", "/", "/", true },
	{ "/a/b/../c", "/a/c", "c", false },
	{ "/...", "/...", "...", false },
};

static void paths_are_cleaned(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct inroot_path path;

		print_message("%s\n", cases[i].raw);
		assert_int_equal(inroot_clean(cases[i].raw, &path, NULL), 0);
		assert_string_equal(path.text, cases[i].text);
		assert_string_equal(path.name, cases[i].name);
		assert_int_equal(path.directory, cases[i].directory);
	}
}

static void too_long(void **state)
{
	char raw[JOB_PATH_MAX + 10];
	struct inroot_path path;

	(void)state;
	memset(raw, 'x', sizeof(raw));
	raw[JOB_PATH_MAX] = '\0';
	assert_int_equal(inroot_clean(raw, &path, NULL), -EINVAL);
	raw[JOB_PATH_MAX - 1] = '\0';
	assert_int_equal(inroot_clean(raw, &path, NULL), 0);
}

/* Links and where they lead, in a root of its own. */
static const struct {
	const char *link, *target, *path, *leads; /* NULL = a circle */
} links[] = {
	{ "plain", "etc", "/plain/x", "/etc/x" },
	{ "absolute", "/etc", "/absolute", "/etc" },
	{ "up", "../../../etc", "/up/y", "/etc/y" },
	{ "chain", "absolute/z", "/chain", "/etc/z" },
	{ "dangling", "/no/where", "/dangling", "/no/where" },
	{ "loop", "loop", "/loop", NULL },
	{ "etc/back", "..", "/etc/back/plain", "/etc" },
};

static void links_lead_inside(void **state)
{
	char dir[] = "/tmp/cleat-inroot-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(fd_mkdir_all(root, "etc", 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		assert_int_equal(symlinkat(links[i].target, root, links[i].link), 0);
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		char *out = NULL;
		int r = inroot_resolve(root, links[i].path, &out, NULL);

		print_message("%s\n", links[i].path);
		assert_int_equal(r, links[i].leads ? 0 : -EINVAL);
		if (links[i].leads)
			assert_string_equal(out, links[i].leads);
		free(out);
	}
	close(root);
	assert_int_equal(fd_remove_tree(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_cleaned),
		cmocka_unit_test(too_long),
		cmocka_unit_test(links_lead_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
