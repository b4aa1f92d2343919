/* SPDX-License-Identifier: Apache-2.0 */
#include "cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base_test.h"
#include "fd.h"

static void checks_and_waits(void **state)
{
	struct err err = ERR_NULL;
	int first[2], second[2];

	(void)state;
	assert_int_equal(pipe2(first, O_CLOEXEC), 0);
	assert_int_equal(pipe2(second, O_CLOEXEC), 0);
	const int none[] = { -1, -1 }, both[] = { first[0], second[0] };

	assert_int_equal(cancel_check(NULL, "it", &err), 0);
	assert_int_equal(cancel_check(none, "it", &err), 0);
	assert_int_equal(cancel_check(both, "it", &err), 0);
	assert_int_equal(write(second[1], "x", 1), 1);
	assert_int_equal(cancel_check(both, "it", &err), -ECANCELED);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_string_equal(err.message, "it was cancelled");
	assert_int_equal(cancel_wait(both, first[0], "it", &err), -ECANCELED);
	assert_int_equal(cancel_wait(none, second[0], "it", &err), 0);
	assert_int_equal(cancel_wait(NULL, second[0], "it", &err), 0);
	for (size_t i = 0; i < 2; i++) {
		close(first[i]);
		close(second[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(checks_and_waits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
