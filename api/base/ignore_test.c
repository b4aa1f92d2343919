/* SPDX-License-Identifier: Apache-2.0 */
#include "ignore.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static const struct {
	const char *text, *path;
	bool ignored;
} cases[] = {
	{ "", "a", false },
	{ "a", "a", true },
	{ "a", "a/b/c", true },
	{ "a", "b/a", false },
	{ "/a/", "a", true },
	{ "  a  \n", "a", true },
	{ "a\r\nb\r\n", "b", true },
	{ "#a", "#a", false },
	{ " #a", "#a", true },
	{ "./a/../b", "b", true },
	{ "*", "a/b", true },
	{ "*\n!a", "a/b", false },
	{ "*\n!a\na/b", "a/b", true },
	{ "*\n!a/b", "a/c", true },
	{ "*\n! a/b", "a/b", false },
	{ "**/*.o", "a/b/c.o", true },
	{ "*.o", "a/b/c.o", false },
	{ "a/**", "a", false },
	{ "a/**", "a/x/y", true },
	{ "!a\na", "a", true },
	{ "\xef\xbb\xbf"
	  "a",
	  "a", true },
	{ "../a", "a", false },
	{ ".", "a", false },
	{ "*/temp*", "x/temporary.txt", true },
	{ "temp?", "tempa", true },
	{ "*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true },
	{ "*.md\n!README*.md\nREADME-secret.md", "README.md", false },
};

static void matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(ignore_deinit) struct ignore ignore = IGNORE_NULL;

		assert_int_equal(ignore_parse(cases[i].text, strlen(cases[i].text), &ignore, NULL),
				 0);
		if (ignore_match(&ignore, cases[i].path) != cases[i].ignored)
			fail_msg("%s with %s", cases[i].path, cases[i].text);
	}
}

static void refuses(void **state)
{
	static const char *const bad[] = { "!", "a\n! ", "[a", "a\\" };
	struct ignore ignore;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(ignore_parse(bad[i], strlen(bad[i]), &ignore, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(matches), cmocka_unit_test(refuses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
