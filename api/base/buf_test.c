/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static void appends_grow(void **state)
{
	cleanup(buf_deinit) struct buf b = BUF_NULL;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%03d", i);
	assert_int_equal(b.error, 0);
	assert_int_equal(b.len, 3000);
	assert_memory_equal(b.data, "000001002", 9);
	assert_int_equal(b.data[b.len], '\0');
	buf_consume(&b, 2997);
	assert_string_equal(b.data, "999");
}

static void limit_is_sticky(void **state)
{
	cleanup(buf_deinit) struct buf b = { .max = 4 };

	(void)state;
	buf_puts(&b, "abc");
	buf_puts(&b, "de");
	buf_puts(&b, "f");
	assert_int_equal(b.error, -EMSGSIZE);
	assert_string_equal(b.data, "abc");
	assert_null(buf_steal(&b));
}

static void json_strings(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "", "\"\"" },
		{ "a\"b\\c\n", "\"a\\\"b\\\\c\\n\"" },
		{ "\x01\x7f", "\"\\u0001\x7f\"" },
		{ "\xc3\xa9", "\"\xc3\xa9\"" },
		{ "\xff-\xc3", "\"\xef\xbf\xbd-\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf b = BUF_NULL;

		buf_json_string(&b, cases[i].text, strlen(cases[i].text));
		assert_string_equal(b.data, cases[i].json);
	}
}

static void steal_of_nothing_is_empty(void **state)
{
	struct buf b = BUF_NULL;
	cleanup_free char *text = buf_steal(&b);

	(void)state;
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_grow),
		cmocka_unit_test(limit_is_sticky),
		cmocka_unit_test(json_strings),
		cmocka_unit_test(steal_of_nothing_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
