/* SPDX-License-Identifier: Apache-2.0 */
#include "pathhead.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_test.h"

static void good(void **state)
{
	static const char text[] = "5 420 1700000000 25\nname\0target\0bytes behind";
	struct pathhead h;

	(void)state;
	for (size_t n = 0; n < 32; n++)
		assert_int_equal(pathhead_parse(text, n, &h), -EAGAIN);
	assert_int_equal(pathhead_parse(text, sizeof(text), &h), 0);
	assert_int_equal(h.size_bytes, 5);
	assert_int_equal(h.mode, 0644);
	assert_int_equal(h.mtime_ns, INT64_C(1700000000000000025));
	assert_string_equal(h.name, "name");
	assert_string_equal(h.link_target, "target");
	assert_int_equal(h.len, 32);
	assert_int_equal(pathhead_parse("0 0 -1 0\n\0\0", 11, &h), 0);
	assert_int_equal(h.mtime_ns, -1000000000);
	assert_int_equal(pathhead_parse("0 0 13000000000 0\n\0\0", 20, &h), 0);
	assert_true(h.mtime_ns == INT64_MAX);
}

static void bad(void **state)
{
	static const char *const lines[] = { "",
					     "1 2 3",
					     "1 2 3 4 5",
					     "1 2 3 4 ",
					     " 1 2 3 4",
					     "x 2 3 4",
					     "-1 2 3 4",
					     "1 4294967296 3 4",
					     "1 2 3 1000000000",
					     "18446744073709551616 2 3 4" };
	char text[PATHHEAD_MAX + 1];
	struct pathhead h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		memset(text, 0, sizeof(text));
		(void)snprintf(text, sizeof(text), "%s\n", lines[i]);
		assert_int_equal(pathhead_parse(text, 200, &h), -EBADMSG);
	}
	memset(text, 'x', sizeof(text));
	assert_int_equal(pathhead_parse(text, sizeof(text) - 2, &h), -EAGAIN);
	assert_int_equal(pathhead_parse(text, sizeof(text), &h), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(bad) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
