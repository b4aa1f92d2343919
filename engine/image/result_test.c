/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's lines: what is taken, what is refused, how links are followed. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "result.h"

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void reads_every_kind(void **state)
{
	char text[] = "file 1 42 " SHA_A " - manifest.json\n"
		      "layer 2 4096 " SHA_A " " SHA_B " one/layer.tar\n"
		      "link ../one/layer.tar\ttwo/layer.tar\n"
		      "link two/layer.tar\tthree\n"
		      "bad four\tTruncated tar archive: a\tb\n";
	struct result result = { 0 };

	(void)state;
	assert_int_equal(result_parse(text, &result), 0);
	assert_int_equal(result.n, 5);
	assert_int_equal(result.v[0].size, 42);
	assert_string_equal(result.v[0].diff, "");
	assert_string_equal(result.v[1].diff, SHA_B);
	assert_ptr_equal(result_find(&result, "two/layer.tar"), &result.v[1]);
	assert_ptr_equal(result_find(&result, "three"), &result.v[1]);
	assert_string_equal(result_find(&result, "four")->reason, "Truncated tar archive: a\tb");
	assert_null(result_find(&result, "five"));
	result_deinit(&result);
}

static void the_last_of_a_name_counts(void **state)
{
	char text[] = "file 1 1 " SHA_A " - x\nfile 2 1 " SHA_B " - x\n"
		      "link b\ta\nlink a\tb\nlink ../../../x\tc/d\n";
	struct result result = { 0 };

	(void)state;
	assert_int_equal(result_parse(text, &result), 0);
	assert_int_equal(result_find(&result, "x")->number, 2);
	assert_null(result_find(&result, "a"));
	assert_int_equal(result_find(&result, "c/d")->number, 2);
	result_deinit(&result);
}

static void a_layer_on_its_own(void **state)
{
	char text[] = "layer 1 4096 - " SHA_B " -\n";
	struct result result = { 0 };

	(void)state;
	assert_int_equal(result_parse(text, &result), 0);
	assert_string_equal(result_find(&result, "-")->diff, SHA_B);
	result_deinit(&result);
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"nonsense\n",
		"file 1 1 " SHA_A " - x",
		"file x 1 " SHA_A " - x\n",
		"file 1 1 abc - x\n",
		"file 1 1 - - x\n",
		"file 1 1 " SHA_A " " SHA_B " x\n",
		"layer 1 1 " SHA_A " - x\n",
		"layer 99999999999 1 " SHA_A " " SHA_B " x\n",
		"layer 1 1 " SHA_A "\n",
		"link a b\n",
		"bad a\n",
		"\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct result result = { 0 };
		char *text = strdup(bad[i]);

		assert_non_null(text);
		assert_int_equal(result_parse(text, &result), -EBADMSG);
		assert_null(result.v);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_kind),
		cmocka_unit_test(the_last_of_a_name_counts),
		cmocka_unit_test(a_layer_on_its_own),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
