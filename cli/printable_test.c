/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "mem.h"
#include "printable.h"

static void texts(void **state)
{
	static const struct {
		const char *text, *keep, *out;
	} cases[] = {
		{ "plain text", "", "plain text" },
		{ "\x1b]0;title\x07", "", "\\u001b]0;title\\u0007" },
		{ "a\tb\nc\r", "\t\n", "a\tb\nc\\u000d" },
		{ "a\tb", "", "a\\u0009b" },
		{ "\x7f", "", "\\u007f" },
		{ "\xc2\x9b"
		  "1m",
		  "", "\\u009b1m" },
		{ "caf\xc3\xa9 \xc2\xa0 \xc2", "", "caf\xc3\xa9 \xc2\xa0 \xc2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_NULL;

		printable_text(&out, cases[i].text, strlen(cases[i].text), cases[i].keep);
		assert_string_equal(out.data, cases[i].out);
		buf_deinit(&out);
	}
}

static void values(void **state)
{
	json_t *value =
		json_pack("{s:s, s:[s, i], s:{s:s}}", "a", "x\x1b", "b", "\n", 1, "c", "d", "fine");
	char *text;

	(void)state;
	printable_json(value);
	text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"a\":\"x\\\\u001b\",\"b\":[\"\\\\u000a\",1],"
				  "\"c\":{\"d\":\"fine\"}}");
	free(text);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(texts), cmocka_unit_test(values) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
