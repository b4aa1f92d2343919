/* SPDX-License-Identifier: Apache-2.0 */
#include "human.h"

#include <string.h>

#include "base_test.h"
#include "buf.h"
#include "table.h"

#define S INT64_C(1000000000)

static void durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "Less than a second" },   { S, "1 second" },
		{ 59 * S, "59 seconds" },      { 60 * S, "About a minute" },
		{ 300 * S, "5 minutes" },      { 3600 * S, "About an hour" },
		{ 7200 * S, "2 hours" },       { 3 * 86400 * S, "3 days" },
		{ 21 * 86400 * S, "3 weeks" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[HUMAN_MAX];

		assert_string_equal(human_duration(cases[i].ns, out), cases[i].text);
	}
}

static void sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		int digits;
		const char *text;
	} cases[] = {
		{ 0, 3, "0B" },           { 999, 3, "999B" },       { 1000, 3, "1kB" },
		{ 1983521, 3, "1.98MB" }, { 4270000, 3, "4.27MB" }, { 1000000000, 4, "1GB" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[HUMAN_MAX];

		assert_string_equal(human_size(cases[i].bytes, cases[i].digits, out),
				    cases[i].text);
	}
}

static void memory_is_binary(void **state)
{
	char out[HUMAN_MAX];

	(void)state;
	assert_string_equal(human_memory(0, out), "0B");
	assert_string_equal(human_memory(1023, out), "1023B");
	assert_string_equal(human_memory(64 << 20, out), "64MiB");
	assert_string_equal(human_memory(1234567, out), "1.177MiB");
	assert_string_equal(human_memory(UINT64_MAX, out), "16EiB");
}

static void ids_are_short(void **state)
{
	char out[HUMAN_MAX];

	(void)state;
	assert_string_equal(human_id("sha256:0123456789abcdef", out), "0123456789ab");
	assert_string_equal(human_id("0123456789abcdef", out), "0123456789ab");
	assert_string_equal(human_id("0123", out), "0123");
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	cleanup(buf_deinit) struct buf out = BUF_NULL;

	(void)state;
	table_align(&out, "A\tB\tC\nlonger\tx\ty\n\xc3\xa9\t\tz\n");
	assert_string_equal(out.data, "A        B   C\nlonger   x   y\n\xc3\xa9            z\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(memory_is_binary),
		cmocka_unit_test(ids_are_short),
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
