/* SPDX-License-Identifier: Apache-2.0 */
/* Names must be protoc-c's to the letter, or stubs do not compile: the right columns were read from
 * its output. */
#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *name, *snake, *type, *lower;
	} cases[] = {
		{ "cleat.v1.Containers", "cleat_v1_containers", "Cleat__V1__Containers",
		  "cleat__v1__containers" },
		{ "a.v1.LogsRequest.Inner", "a_v1_logs_request_inner", "A__V1__LogsRequest__Inner",
		  "a__v1__logs_request__inner" },
		{ "GetURL", "get_url", "GetURL", "get_url" },
		{ "HTTPRequest", "httprequest", "HTTPRequest", "httprequest" },
		{ "a.XEntry", "a_xentry", "A__XEntry", "a__xentry" },
		{ "under_score", "under_score", "UnderScore", "under_score" },
		{ "", "", "", "" },
	};
	struct model m = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(name_snake(&m, cases[i].name), cases[i].snake);
		assert_string_equal(name_c_type(&m, cases[i].name), cases[i].type);
		assert_string_equal(name_c_lower(&m, cases[i].name), cases[i].lower);
	}
	model_deinit(&m);
}

static void test_keywords(void **state)
{
	(void)state;
	assert_true(name_is_c_keyword("switch"));
	assert_false(name_is_c_keyword("import"));
	assert_true(name_is_python_keyword("import"));
	assert_false(name_is_python_keyword("switch"));
	assert_false(name_is_python_keyword(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_keywords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
