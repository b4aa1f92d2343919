/* SPDX-License-Identifier: Apache-2.0 */
#include "cpulist.h"

#include <errno.h>

#include "base_test.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int r;
		size_t n;
	} cases[] = {
		{ "", 0, 0 },           { "\n", 0, 0 },
		{ "0", 0, 1 },          { "0-3,7\n", 0, 5 },
		{ "1,1", 0, 1 },        { "8191", 0, 1 },
		{ "8192", -EINVAL, 0 }, { "3-1", -EINVAL, 0 },
		{ "a", -EINVAL, 0 },    { "1,", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },   { " 1", -EINVAL, 0 },
		{ "1-", -EINVAL, 0 },   { "0-99999999999999999999", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cpulist list;

		assert_int_equal(cpulist_parse(cases[i].text, &list), cases[i].r);
		if (cases[i].r == 0)
			assert_int_equal(cpulist_count(&list), cases[i].n);
	}
}

static void test_within(void **state)
{
	struct cpulist part, whole;

	(void)state;
	assert_int_equal(cpulist_parse("0-3,64", &whole), 0);
	assert_int_equal(cpulist_parse("1,64", &part), 0);
	assert_true(cpulist_within(&part, &whole));
	assert_false(cpulist_within(&whole, &part));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
