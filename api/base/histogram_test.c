/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include "base_test.h"

static void test_counts(void **state)
{
	struct histogram h = { 0 };
	struct histogram_view v;

	(void)state;
	histogram_add(&h, 0);
	histogram_add(&h, 500000);
	histogram_add(&h, 500001);
	histogram_add(&h, INT64_C(30000000000));
	histogram_add(&h, INT64_C(30000000001));
	histogram_read(&h, &v);
	assert_int_equal(v.upto[0], 2);
	assert_int_equal(v.upto[1], 3);
	assert_int_equal(v.upto[HISTOGRAM_BOUNDS - 2], 3);
	assert_int_equal(v.upto[HISTOGRAM_BOUNDS - 1], 4);
	assert_int_equal(v.count, 5);
	assert_true(v.sum_s > 60.001 && v.sum_s < 60.002);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_counts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
