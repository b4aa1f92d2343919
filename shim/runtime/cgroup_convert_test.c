/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_convert.h"

#include "base_test.h"

static void test_cpu(void **state)
{
	static const struct {
		int64_t shares, weight;
	} cases[] = {
		{ 0, 1 },          { 2, 1 },          { 10, 4 },
		{ 512, 59 },       { 1024, 100 },     { 2048, 174 },
		{ 262143, 10000 }, { 262144, 10000 }, { 999999, 10000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cgroup_cpu_weight(cases[i].shares), cases[i].weight);
}

static void test_io(void **state)
{
	(void)state;
	assert_int_equal(cgroup_io_weight(10), 1);
	assert_int_equal(cgroup_io_weight(100), 910);
	assert_int_equal(cgroup_io_weight(1000), 10000);
}

static void test_swap(void **state)
{
	(void)state;
	assert_int_equal(cgroup_swap(96, 64), 32);
	assert_int_equal(cgroup_swap(64, 64), 0);
	assert_int_equal(cgroup_swap(-1, 64), -1);
	assert_int_equal(cgroup_swap(-1, -1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
