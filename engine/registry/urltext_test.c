/* SPDX-License-Identifier: Apache-2.0 */
#include "urltext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_escape(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;

	(void)state;
	urltext_escape(&b, "repository:a/b:pull,push x~y");
	assert_string_equal(b.data, "repository%3Aa%2Fb%3Apull%2Cpush%20x~y");
}

static void test_resolve(void **state)
{
	static const char *const cases[][3] = {
		{ "http://h:5000/v2/x", "/v2/y?s=1", "http://h:5000/v2/y?s=1" },
		{ "https://h", "/a", "https://h/a" },
		{ "https://h/a", "https://other/b", "https://other/b" },
		{ "https://h/a", "//other/b", NULL },
		{ "https://h/a", "file:///etc/passwd", NULL },
		{ "https://h/a", "b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *url = urltext_resolve(cases[i][0], cases[i][1]);

		if (cases[i][2])
			assert_string_equal(url, cases[i][2]);
		else
			assert_null(url);
	}
}

static void test_below(void **state)
{
	(void)state;
	assert_true(urltext_below("http://h:5000", "http://h:5000"));
	assert_true(urltext_below("http://h:5000/v2/", "http://h:5000"));
	assert_true(urltext_below("https://h?x", "https://h"));
	assert_true(urltext_below("https://h/mirror/v2/", "https://h/mirror"));
	assert_false(urltext_below("http://h:50001/v2/", "http://h:5000"));
	assert_false(urltext_below("https://h.evil/v2/", "https://h"));
	assert_false(urltext_below("https://h@evil/v2/", "https://h"));
	assert_false(urltext_below("https://h:443/v2/", "https://h"));
	assert_false(urltext_below("https://h/mirrored/", "https://h/mirror"));
}

static void test_next(void **state)
{
	cleanup_free char *url = urltext_next("</v2/a/tags/list?n=2&last=b>; rel=\"next\"");

	(void)state;
	assert_string_equal(url, "/v2/a/tags/list?n=2&last=b");
	assert_null(urltext_next("</v2/a>; rel=\"prev\""));
	assert_null(urltext_next(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_escape),

					    cmocka_unit_test(test_resolve),
					    cmocka_unit_test(test_below),
					    cmocka_unit_test(test_next) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
