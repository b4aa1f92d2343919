/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonlog.h"

#include <string.h>

#include "base_test.h"

#define TIME ",\"time\":\"1970-01-01T00:00:00.000000001Z\"}\n"

static void feed(struct jsonlog *log, uint8_t stream, const char *text, struct buf *out)
{
	jsonlog_take(log, stream, text, strlen(text), 1, out);
}

static void a_line_is_an_entry_however_it_came(void **state)
{
	cleanup(jsonlog_deinit) struct jsonlog log = { 0 };
	cleanup(buf_deinit) struct buf out = BUF_NULL;

	(void)state;
	feed(&log, 1, "a", &out);
	feed(&log, 1, "b", &out);
	assert_int_equal(out.len, 0);
	feed(&log, 1, "c\nd\n", &out);
	assert_string_equal(out.data, "{\"log\":\"abc\\n\",\"stream\":\"stdout\"" TIME
				      "{\"log\":\"d\\n\",\"stream\":\"stdout\"" TIME);
}

static void streams_do_not_cut_each_other(void **state)
{
	cleanup(jsonlog_deinit) struct jsonlog log = { 0 };
	cleanup(buf_deinit) struct buf out = BUF_NULL;

	(void)state;
	feed(&log, 1, "out", &out);
	feed(&log, 2, "err\n", &out);
	feed(&log, 1, "put\n", &out);
	assert_string_equal(out.data, "{\"log\":\"err\\n\",\"stream\":\"stderr\"" TIME
				      "{\"log\":\"output\\n\",\"stream\":\"stdout\"" TIME);
}

/* Lengths of the entries' texts, which are all of one letter. */
static size_t count_entries(const struct buf *out, size_t lengths[], size_t max)
{
	size_t n = 0;

	for (const char *p = out->data; p && *p && n < max; n++) {
		const char *text = p + strlen("{\"log\":\"");

		lengths[n] = strspn(text, "x");
		p = strchr(text, '\n') + 1;
	}
	return n;
}

/* Docker cuts at 16 KiB, wherever a read ended. */
static void a_long_line_is_cut_at_16_kib(void **state)
{
	static char text[40001];

	(void)state;
	memset(text, 'x', 40000);
	text[40000] = '\n';
	for (size_t part = 1; part <= sizeof(text); part = part * 3 + 1) {
		cleanup(jsonlog_deinit) struct jsonlog log = { 0 };
		cleanup(buf_deinit) struct buf out = BUF_NULL;
		size_t lengths[8];

		for (size_t at = 0; at < sizeof(text); at += part)
			jsonlog_take(&log, 1, text + at,
				     part < sizeof(text) - at ? part : sizeof(text) - at, 1, &out);
		assert_int_equal(count_entries(&out, lengths, 8), 3);
		assert_int_equal(lengths[0], JSONLOG_LINE_MAX);
		assert_int_equal(lengths[1], JSONLOG_LINE_MAX);
		assert_int_equal(lengths[2], 40000 - 2 * JSONLOG_LINE_MAX);
	}
}

static void what_is_held_is_flushed_once(void **state)
{
	cleanup(jsonlog_deinit) struct jsonlog log = { 0 };
	cleanup(buf_deinit) struct buf out = BUF_NULL;

	(void)state;
	feed(&log, 2, "e", &out);
	feed(&log, 1, "o", &out);
	jsonlog_flush(&log, 1, &out);
	jsonlog_flush(&log, 1, &out);
	assert_string_equal(out.data, "{\"log\":\"o\",\"stream\":\"stdout\"" TIME
				      "{\"log\":\"e\",\"stream\":\"stderr\"" TIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_an_entry_however_it_came),
		cmocka_unit_test(streams_do_not_cut_each_other),
		cmocka_unit_test(a_long_line_is_cut_at_16_kib),
		cmocka_unit_test(what_is_held_is_flushed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
