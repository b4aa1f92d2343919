/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_delays(void **state)
{
	(void)state;
	assert_int_equal(backoff_ms(1, -1, 0), BACKOFF_FIRST_MS);
	assert_int_equal(backoff_ms(2, -1, 0), 2 * BACKOFF_FIRST_MS);
	assert_int_equal(backoff_ms(100, -1, 0), BACKOFF_MAX_MS);
	for (uint32_t random = 0; random < 100000; random += 777) {
		assert_true(backoff_ms(3, -1, random) > 2 * BACKOFF_FIRST_MS);
		assert_true(backoff_ms(3, -1, random) <= 4 * BACKOFF_FIRST_MS);
	}
	assert_int_equal(backoff_ms(1, 0, 5), 0);
	assert_int_equal(backoff_ms(1, 1500, 5), 1500);
	assert_int_equal(backoff_ms(1, 86400000, 5), BACKOFF_ASKED_MAX_MS);
}

static void test_asked(void **state)
{
	(void)state;
	assert_int_equal(backoff_asked_ms("2", 0), 2000);
	assert_int_equal(backoff_asked_ms("99999999999", 0), BACKOFF_ASKED_MAX_MS);
	assert_int_equal(backoff_asked_ms("Wed, 21 Oct 2015 07:28:00 GMT", 1445412470), 10000);
	assert_int_equal(backoff_asked_ms("Wed, 21 Oct 2015 07:28:00 GMT", 1545412470), 0);
	assert_int_equal(backoff_asked_ms("soon", 0), -1);
	assert_int_equal(backoff_asked_ms("-1", 0), -1);
	assert_int_equal(backoff_asked_ms("", 0), -1);
}

static void test_statuses(void **state)
{
	(void)state;
	assert_true(backoff_retries(429) && backoff_retries(500) && backoff_retries(503));
	assert_false(backoff_retries(200) || backoff_retries(401) || backoff_retries(404) ||
		     backoff_retries(501));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_delays),
					    cmocka_unit_test(test_asked),
					    cmocka_unit_test(test_statuses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
