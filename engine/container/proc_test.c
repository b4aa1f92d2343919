/* SPDX-License-Identifier: Apache-2.0 */
/* stat lines of honest and of hostile programs. */
#include "proc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TAIL                                                                                    \
	" S 1 7 7 34816 7 4194304 10 0 0 0 5 6 0 0 20 0 3 0 4711 8192 12 18446744073709551615 " \
	"1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

static const struct {
	const char *text, *comm;
	int r;
} cases[] = {
	{ "7 (sh)" TAIL, "sh", 0 },
	{ "7 (a) b (c)" TAIL, "a) b (c", 0 },
	{ "7 ()" TAIL, "", 0 },
	{ "7 (sh) S 1", NULL, -EBADMSG },
	{ "7 )sh(" TAIL, NULL, -EBADMSG },
	{ "", NULL, -EBADMSG },
};

static void test_stat(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct proc_stat stat;
		int r = proc_parse_stat(cases[i].text, strlen(cases[i].text), &stat);

		assert_int_equal(r, cases[i].r);
		if (r)
			continue;
		assert_string_equal(stat.comm, cases[i].comm);
		assert_int_equal(stat.state, 'S');
		assert_int_equal(stat.ppid, 1);
		assert_int_equal(stat.user_ticks, 5);
		assert_int_equal(stat.threads, 3);
		assert_int_equal(stat.start_ticks, 4711);
		assert_int_equal(stat.rss_pages, 12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stat) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
