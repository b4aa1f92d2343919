/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static const char *const cases[][2] = {
	{ "", "" },
	{ "a", "YQ==" },
	{ "ab", "YWI=" },
	{ "abc", "YWJj" },
	{ "abcd", "YWJjZA==" },
	{ "user:p\xc3\xa4ss", "dXNlcjpww6Rzcw==" },
	{ "\xff\xfe\xfb", "//77" },
};

static void test_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf text = BUF_NULL, bytes = BUF_NULL;

		buf_puts(&text, "");
		base64_encode(&text, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(text.data, cases[i][1]);
		buf_puts(&bytes, "");
		assert_int_equal(base64_decode(&bytes, cases[i][1]), 0);
		assert_string_equal(bytes.data, cases[i][0]);
	}
}

static void test_decode(void **state)
{
	static const char *const good[][2] = {
		{ "YWI", "ab" }, { "YQ", "a" }, { "__77", "\xff\xfe\xfb" }, { " Y W\nJj ", "abc" }
	};
	static const char *const bad[] = { "Y", "YWJjZ", "Y=Q=", "YQ===", "Y*==", "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		cleanup(buf_deinit) struct buf bytes = BUF_NULL;

		assert_int_equal(base64_decode(&bytes, good[i][0]), 0);
		assert_string_equal(bytes.data, good[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup(buf_deinit) struct buf bytes = BUF_NULL;

		assert_int_equal(base64_decode(&bytes, bad[i]), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_both_ways),
					    cmocka_unit_test(test_decode) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
