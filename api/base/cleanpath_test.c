/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanpath.h"

#include <string.h>

#include "base_test.h"

static void paths_are_cleaned_by_their_text(void **state)
{
	static const struct {
		const char *raw, *clean;
	} cases[] = {
		{ "", "/" },
		{ "/", "/" },
		{ "//", "/" },
		{ "a", "/a" },
		{ "/a/", "/a" },
		{ "/a//b", "/a/b" },
		{ "/./a", "/a" },
		{ "/a/..", "/" },
		{ "/a/../../b", "/b" },
		{ "/..a/.b", "/..a/.b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *clean = cleanpath(cases[i].raw);

		assert_non_null(clean);
		assert_string_equal(clean, cases[i].clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(paths_are_cleaned_by_their_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
