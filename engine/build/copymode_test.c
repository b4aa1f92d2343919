/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <sys/stat.h>

#include "copymode.h"

/* As chmod(1) of coreutils makes them with umask 0. */
static void test_modes(void **state)
{
	static const struct {
		const char *text;
		mode_t before, after;
	} cases[] = {
		{ "755", S_IFREG | 0600, 0755 },
		{ "04711", S_IFREG | 0600, 04711 },
		{ "0", S_IFREG | 0600, 0 },
		{ "u+x", S_IFREG | 0644, 0744 },
		{ "+x", S_IFREG | 0644, 0755 },
		{ "a-w", S_IFREG | 0666, 0444 },
		{ "go=", S_IFREG | 0777, 0700 },
		{ "=r", S_IFREG | 0777, 0444 },
		{ "u=rwx,go=rX", S_IFREG | 0600, 0755 },
		{ "go=rX", S_IFREG | 0600, 0644 },
		{ "go=rX", S_IFDIR | 0700, 0755 },
		{ "g=u", S_IFREG | 0640, 0660 },
		{ "o+g-r", S_IFREG | 0650, 0651 },
		{ "u+s", S_IFREG | 0755, 04755 },
		{ "g+s", S_IFREG | 0755, 02755 },
		{ "+t", S_IFDIR | 0777, 01777 },
		{ "u-s", S_IFREG | 06755, 02755 },
		{ "u+r-w+x", S_IFREG | 0200, 0500 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(copymode_is_valid(cases[i].text));
		assert_int_equal(copymode_apply(cases[i].text, cases[i].before), cases[i].after);
	}
}

static void test_mistakes(void **state)
{
	static const char *const cases[] = { "",  "999",  "10000", "000755", "-1",       "0x1", "u",
					     "x", "u+x,", ",u+x",  "u+q",    "u+x go+x", "u+ug" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_false(copymode_is_valid(cases[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_modes),
					    cmocka_unit_test(test_mistakes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
