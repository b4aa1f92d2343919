/* SPDX-License-Identifier: Apache-2.0 */
#include "signame.h"

#include <errno.h>

#include "base_test.h"

static const struct {
	const char *text;
	int r, number;
} cases[] = {
	{ "TERM", 0, 15 },        { "SIGTERM", 0, 15 },
	{ "sigkill", 0, 9 },      { "15", 0, 15 },
	{ "64", 0, 64 },          { "RTMIN+0", 0, 34 },
	{ "SIGRTMIN+30", 0, 64 }, { "0", -EINVAL, 0 },
	{ "65", -EINVAL, 0 },     { "RTMIN+31", -EINVAL, 0 },
	{ "", -EINVAL, 0 },       { "SIG", -EINVAL, 0 },
	{ "NOPE", -EINVAL, 0 },   { "-9", -EINVAL, 0 },
};

static void names_and_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int number = 0;

		print_message("%s\n", cases[i].text);
		assert_int_equal(signame_number(cases[i].text, &number), cases[i].r);
		assert_int_equal(number, cases[i].number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names_and_numbers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
