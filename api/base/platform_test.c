/* SPDX-License-Identifier: Apache-2.0 */
#include "platform.h"

#include <errno.h>

#include "base_test.h"

static void test_platforms(void **state)
{
	static const char *const bad[] = { "",
					   "/",
					   "linux/",
					   "linux//v7",
					   "linux/arm/v7/x",
					   "foo",
					   "linux/arm/variant-far-too-long" };
	static const struct {
		const char *word, *meant;
	} words[] = { { "arm64", "linux/arm64" },
		      { "amd64", "linux/amd64" },
		      { "linux", "linux" },
		      { "aarch64", "linux/arm64" },
		      { "linux/x86_64", "linux/amd64" },
		      { "linux/aarch64/v8", "linux/arm64/v8" } };
	struct platform p;
	char text[96];

	(void)state;
	assert_int_equal(platform_parse("linux/arm/v7", &p, NULL), 0);
	platform_format(&p, text);
	assert_string_equal(text, "linux/arm/v7");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(platform_parse(bad[i], &p, NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		assert_int_equal(platform_parse(words[i].word, &p, NULL), 0);
		platform_format(&p, text);
		assert_string_equal(text, words[i].meant);
	}
	p = platform_host("aarch64");
	platform_format(&p, text);
	assert_string_equal(text, "linux/arm64/v8");
	p = platform_host("x86_64");
	platform_format(&p, text);
	assert_string_equal(text, "linux/amd64");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_platforms) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
