/* SPDX-License-Identifier: Apache-2.0 */
#include "regjson.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_errors(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"errors\":[{\"code\":\"X\",\"message\":\"manifest unknown\"}]}",
		  "manifest unknown" },
		{ "{\"errors\":[{\"code\":\"DENIED\"}]}", "DENIED" },
		{ "{\"details\":\"incorrect username or password\"}",
		  "incorrect username or password" },
		{ "{\"errors\":null}", "" },
		{ "<html>", "" },
		{ "", "" },
	};
	char out[REGJSON_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		regjson_error(cases[i][0], strlen(cases[i][0]), out);
		assert_string_equal(out, cases[i][1]);
	}
}

static int token(const char *text, char **out)
{
	return regjson_token(text, strlen(text), out, NULL);
}

static void test_tokens(void **state)
{
	char *out = NULL;

	(void)state;
	assert_int_equal(token("{\"access_token\":\"two\"}", &out), 0);
	assert_string_equal(out, "two");
	free(out);
	assert_int_equal(token("{\"token\":\"one\",\"access_token\":\"two\"}", &out), 0);
	assert_string_equal(out, "one");
	free(out);
	assert_int_equal(token("{}", &out), -EINVAL);
	assert_int_equal(token("{\"token\":\"a\\r\\nX: y\"}", &out), -EINVAL);
	assert_int_equal(token("[", &out), -EINVAL);
	assert_int_equal(regjson_identity("{\"refresh_token\":\"r\"}", 21, &out), 0);
	assert_string_equal(out, "r");
	free(out);
	assert_int_equal(regjson_identity("{\"token\":\"one\"}", 15, &out), 0);
	assert_null(out);
}

static void test_tags(void **state)
{
	static const char good[] = "{\"tags\":[\"1\",\"2\"]}", none[] = "{\"tags\":null}";
	static const char bad[] = "{\"tags\":[1]}", path[] = "{\"tags\":[\"x/../../y\"]}";
	struct strings tags = { 0 };

	(void)state;
	assert_int_equal(regjson_tags(none, strlen(none), &tags, NULL), 0);
	assert_int_equal(tags.n, 0);
	assert_int_equal(regjson_tags(good, strlen(good), &tags, NULL), 0);
	assert_int_equal(tags.n, 2);
	assert_string_equal(tags.v[1], "2");
	assert_int_equal(regjson_tags(bad, strlen(bad), &tags, NULL), -EINVAL);
	assert_int_equal(regjson_tags(path, strlen(path), &tags, NULL), -EINVAL);
	strings_deinit(&tags);
}

static void test_search(void **state)
{
	static const char good[] =
		"{\"results\":[{\"name\":\"a\",\"description\":\"d\",\"star_count\":7,"
		"\"is_official\":true},{\"name\":3,\"star_count\":-1},7]}";
	struct regjson_found *found = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(regjson_search(good, strlen(good), &found, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(found[0].name, "a");
	assert_string_equal(found[0].description, "d");
	assert_true(found[0].official && found[0].stars == 7);
	assert_string_equal(found[1].name, "");
	assert_true(!found[1].official && found[1].stars == 0);
	regjson_found_free(found, n);
	assert_int_equal(regjson_search("{}", 2, &found, &n, NULL), -EINVAL);
	assert_int_equal(regjson_search("", 0, &found, &n, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_errors),
					    cmocka_unit_test(test_tokens),
					    cmocka_unit_test(test_tags),
					    cmocka_unit_test(test_search) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
