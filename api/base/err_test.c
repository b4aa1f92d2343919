/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static void cause_and_context(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(err_sys(&err, ENOENT, "open %s", "x"), -ENOENT);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.message, "open x: No such file or directory");
	assert_int_equal(err_wrap(&err, -ENOENT, "start c1"), -ENOENT);
	assert_string_equal(err.message, "start c1: open x: No such file or directory");
	assert_int_equal(err.sys, ENOENT);
}

static void wrap_makes_an_error_of_a_bare_result(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	err_wrap(&err, -ENOSPC, "write record");
	assert_int_equal(err.code, ERR_EXHAUSTED);
	assert_string_equal(err.message, "write record: No space left on device");
}

static void long_and_dirty_messages(void **state)
{
	struct err err;
	char big[1000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&err, ERR_INVALID, "bad name\n%s", big);
	assert_true(strlen(err.message) < ERR_MESSAGE_MAX);
	assert_memory_equal(err.message, "bad name?xxx", 12);
	assert_string_equal(err.message + strlen(err.message) - 3, "...");
}

static void codes_survive_the_way_through_errno(void **state)
{
	(void)state;
	for (unsigned int code = ERR_CANCELLED; code < ERR_N_CODES; code++) {
		if (code == ERR_UNKNOWN)
			continue;
		assert_int_equal(err_from_errno(err_to_errno((enum err_code)code)), code);
	}
	assert_string_equal(err_code_name((enum err_code)99), "UNKNOWN");
}

static void null_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_NOT_FOUND, "x"), -ENOENT);
	assert_int_equal(err_sys(NULL, EIO, "x"), -EIO);
	assert_int_equal(err_wrap(NULL, -EIO, "x"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cause_and_context),
		cmocka_unit_test(wrap_makes_an_error_of_a_bare_result),
		cmocka_unit_test(long_and_dirty_messages),
		cmocka_unit_test(codes_survive_the_way_through_errno),
		cmocka_unit_test(null_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
