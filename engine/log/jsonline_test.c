/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonline.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static const struct {
	const char *text, *log;
	int r;
	uint8_t stream;
} cases[] = {
	{ "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2024-01-02T03:04:05Z\"}", "a\n", 0,
	  1 },
	{ "{\"log\":\"\\u00e9\\ud83d\\ude00\",\"stream\":\"stderr\",\"time\":\"2024-01-02T03:04:"
	  "05Z\"}",
	  "\xc3\xa9\xf0\x9f\x98\x80", 0, 2 },
	{ "{ \"stream\" : \"stdout\", \"time\":\"2024-01-02T03:04:05Z\", \"log\": \"x\" }", "x", 0,
	  1 },
	{ "{\"log\":\"x\",\"attrs\":{\"a\":[\"}\",1]},\"n\":12,\"stream\":\"stdout\","
	  "\"time\":\"2024-01-02T03:04:05Z\"}",
	  "x", 0, 1 },
	{ "{\"log\":\"\\ud800x\",\"stream\":\"stdout\",\"time\":\"2024-01-02T03:04:05Z\"}",
	  "\xef\xbf\xbdx", 0, 1 },
	{ "{\"log\":\"x\",\"stream\":\"stdout\"}", NULL, -EBADMSG, 0 },
	{ "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"never\"}", NULL, -EBADMSG, 0 },
	{ "{\"log\":\"x", NULL, -EBADMSG, 0 },
	{ "{\"log\":\"\\u12", NULL, -EBADMSG, 0 },
	{ "{}", NULL, -EBADMSG, 0 },
	{ "", NULL, -EBADMSG, 0 },
	{ "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"2024-01-02T03:04:05Z\"} more", NULL,
	  -EBADMSG, 0 },
};

static void lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char scratch[512];
		struct jsonline line = { 0 };

		print_message("%s\n", cases[i].text);
		assert_int_equal(
			jsonline_parse(cases[i].text, strlen(cases[i].text), scratch, &line),
			cases[i].r);
		if (cases[i].r)
			continue;
		assert_int_equal(line.log_len, strlen(cases[i].log));
		assert_memory_equal(line.log, cases[i].log, line.log_len);
		assert_int_equal(line.stream, cases[i].stream);
		assert_true(line.time_ns == INT64_C(1704164645000000000));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
