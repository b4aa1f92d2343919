/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "layerrecord.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void both_forms(void **state)
{
	struct layerrecord r = { 0 };
	cleanup(buf_deinit) struct buf text = BUF_NULL;

	(void)state;
	assert_int_equal(layerrecord_parse("12\n", &r), 0);
	assert_int_equal(r.size_bytes, 12);
	assert_false(r.has_tar);
	assert_int_equal(layerrecord_parse("12\ntar 2048\nindex " SHA "\n", &r), 0);
	assert_true(r.has_tar);
	assert_int_equal(r.tar_bytes, 2048);
	assert_string_equal(r.index_sha, SHA);
	layerrecord_print(&r, &text);
	assert_string_equal(text.data, "12\ntar 2048\nindex " SHA "\n");
}

static void refused(void **state)
{
	static const char *const bad[] = { "",
					   "\n",
					   "12",
					   "-1\n",
					   "99999999999999999999\n",
					   "12\ntar 1\n",
					   "12\ntar 1\nindex " SHA,
					   "12\ntar 1\nindex " SHA "0\n",
					   "12\ntar x\nindex " SHA "\n",
					   "12\ntar 1\nindex X" SHA "\n",
					   "12\ntar 1\nindex " SHA "\n\n" };
	struct layerrecord r = { .size_bytes = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(layerrecord_parse(bad[i], &r), -EBADMSG);
	assert_int_equal(r.size_bytes, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(both_forms),
					    cmocka_unit_test(refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
