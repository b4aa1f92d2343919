/* SPDX-License-Identifier: Apache-2.0 */
#include "glob.h"

#include <string.h>

#include "base_test.h"

static const struct {
	enum glob_flags flags;
	const char *pattern, *text;
	bool matches;
} cases[] = {
	{ GLOB_TEXT, "*", "", true },
	{ GLOB_TEXT, "*", "a/b", true },
	{ GLOB_TEXT, "a*c", "abbc", true },
	{ GLOB_TEXT, "a*c", "abbcd", false },
	{ GLOB_TEXT, "*a*b*", "xxaxxbxx", true },
	{ GLOB_TEXT, "a?c", "a/c", true },
	{ GLOB_TEXT, "a\\*", "a*", true },
	{ GLOB_TEXT, "a\\*", "ab", false },
	{ GLOB_TEXT, "[a]", "a", false },
	{ GLOB_TEXT, "[a]", "[a]", true },
	{ GLOB_PATH, "*.c", "a.c", true },
	{ GLOB_PATH, "*.c", "d/a.c", false },
	{ GLOB_PATH, "d/*/x", "d/e/x", true },
	{ GLOB_PATH, "d/*/x", "d/e/f/x", false },
	{ GLOB_PATH, "a?b", "a/b", false },
	{ GLOB_PATH, "[a-c]x", "bx", true },
	{ GLOB_PATH, "[^a-c]x", "bx", false },
	{ GLOB_PATH, "[^a-c]x", "dx", true },
	{ GLOB_PATH, "[^a]b", "/b", false },
	{ GLOB_PATH, "[]a]", "]", true },
	{ GLOB_PATH, "[\\]]", "]", true },
	{ GLOB_PATH, "[a", "a", false },
	{ GLOB_PATH, "**", "a/b", false },
	{ GLOB_PATH, "a*b*/c", "axbyb/c", true },
	{ GLOB_DEEP, "**", "a/b", true },
	{ GLOB_DEEP, "**/x", "x", true },
	{ GLOB_DEEP, "**/x", "a/b/x", true },
	{ GLOB_DEEP, "**/x", "a/bx", false },
	{ GLOB_DEEP, "a/**/z", "a/z", true },
	{ GLOB_DEEP, "a/**/z", "a/b/c/z", true },
	{ GLOB_DEEP, "a/**/z", "az", false },
	{ GLOB_DEEP, "a/**", "a/b/c", true },
	{ GLOB_DEEP, "**/*.go", "a/b/c.go", true },
	{ GLOB_DEEP, "**/*.go", "a/b/c.god", false },
	{ GLOB_DEEP, "**/d/*/f", "a/d/d/e/f", true },
	{ GLOB_DEEP, "**/**/*.txt", "a/b.txt", true },
	{ GLOB_DEEP, "**foo", "a/foo", true },
	{ GLOB_DEEP, "**foo", "barfoo", false },
};

static void matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (glob_match(cases[i].pattern, cases[i].text, strlen(cases[i].text),
			       cases[i].flags) != cases[i].matches)
			fail_msg("%s against %s", cases[i].pattern, cases[i].text);
}

static void forms(void **state)
{
	(void)state;
	assert_true(glob_valid("a[b-d]*?\\["));
	assert_true(glob_valid("[]a]"));
	assert_false(glob_valid("a["));
	assert_false(glob_valid("a[b"));
	assert_false(glob_valid("a\\"));
	assert_true(glob_has_wildcard("a[b"));
	assert_true(glob_has_wildcard("?"));
	assert_false(glob_has_wildcard("a\\*b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(matches), cmocka_unit_test(forms) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
