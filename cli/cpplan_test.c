/* SPDX-License-Identifier: Apache-2.0 */
#include "cpplan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base_test.h"

static const struct {
	const char *argument, *container, *path;
} sides[] = {
	{ "box:/etc", "box", "/etc" }, { "box:rel", "box", "rel" }, { "file", NULL, "file" },
	{ "./a:b", NULL, "./a:b" },    { "/a:b", NULL, "/a:b" },    { "-", NULL, "-" },
	{ "box:/a:b", "box", "/a:b" }, { "box:", "box", "" },
};

static void arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		struct cp_side side;

		assert_int_equal(cpplan_side(sides[i].argument, &side), 0);
		assert_string_equal(side.path, sides[i].path);
		if (sides[i].container)
			assert_string_equal(side.container, sides[i].container);
		else
			assert_null(side.container);
		free(side.container);
	}
}

enum { NONE, FILE_, DIR_ };

/* The rules in the order of Docker's documentation. */
static const struct {
	const char *source;
	int is;
	const char *target;
	int there;
	const char *dir, *name; /* NULL = refused */
} cases[] = {
	{ "/s/file", FILE_, "/t/new", NONE, "/t", "new" },
	{ "/s/file", FILE_, "/t/new/", NONE, NULL, NULL },
	{ "/s/file", FILE_, "/t/old", FILE_, "/t", "old" },
	{ "/s/file", FILE_, "/t/dir", DIR_, "/t/dir", "file" },
	{ "/s/file", FILE_, "/t/dir/", DIR_, "/t/dir/", "file" },
	{ "file", FILE_, "new", NONE, ".", "new" },
	{ "/s/file", FILE_, "/", DIR_, "/", "file" },
	{ "/s/dir", DIR_, "/t/new", NONE, "/t", "new" },
	{ "/s/dir", DIR_, "/t/new/", NONE, "/t", "new" },
	{ "/s/dir/.", DIR_, "/t/new", NONE, "/t", "new" },
	{ "/s/dir", DIR_, "/t/old", FILE_, NULL, NULL },
	{ "/s/dir", DIR_, "/t/dir", DIR_, "/t/dir", "dir" },
	{ "/s/dir/", DIR_, "/t/dir", DIR_, "/t/dir", "dir" },
	{ "/s/dir/.", DIR_, "/t/dir", DIR_, "/t/dir", "." },
	{ ".", DIR_, "/t/dir", DIR_, "/t/dir", "." },
	{ "/", DIR_, "/t/dir", DIR_, "/t/dir", "." },
	{ "/", DIR_, "/new", NONE, "/", "new" },
	{ "//s//dir//", DIR_, "/t", DIR_, "/t", "dir" },
};

static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cp_thing source = { cases[i].source, true, cases[i].is == DIR_ };
		const struct cp_thing target = { cases[i].target, cases[i].there != NONE,
						 cases[i].there == DIR_ };
		struct cp_plan plan;
		int r = cpplan(&source, &target, &plan, NULL);

		print_message("%s -> %s\n", cases[i].source, cases[i].target);
		assert_int_equal(r, cases[i].dir ? 0 : -EINVAL);
		if (r < 0)
			continue;
		assert_string_equal(plan.dir, cases[i].dir);
		assert_string_equal(plan.name, cases[i].name);
		cpplan_deinit(&plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
