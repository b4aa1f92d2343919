/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <stdbool.h>

#include "base_test.h"
#include "mem.h"

static void test_origins(void **state)
{
	static const struct {
		const char *origin, *site, *host;
		bool local, tcp, known; /* refused */
	} cases[] = {
		{ "", "", "", false, false, false },
		{ "", "", "docker", false, true, false },
		{ "", "", "localhost:2375", false, false, false },
		{ "", "", "LOCALHOST", false, false, false },
		{ "", "", "127.0.0.1:2375", false, false, false },
		{ "", "", "127.9.9.9", false, false, false },
		{ "", "", "[::1]:80", false, false, false },
		{ "", "", "[::1", false, true, false },
		{ "", "", "[::2]:80", false, true, false },
		{ "", "", "127.0.0.1.evil.example", false, true, false },
		{ "", "", "localhost:80@evil.example", false, true, false },
		{ "", "", "10.0.0.1", false, true, false },
		{ "http://evil.example", "", "localhost", false, true, true },
		{ "null", "", "localhost", false, true, true },
		{ "http://localhost", "", "localhost", false, true, true },
		{ "", "cross-site", "localhost", true, true, true },
		{ "", "same-site", "localhost", true, true, true },
		{ "", "none", "localhost", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *o = cases[i].origin, *s = cases[i].site, *h = cases[i].host;

		assert_int_equal(origin_refused(o, s, h, ORIGIN_LOCAL) != NULL, cases[i].local);
		assert_int_equal(origin_refused(o, s, h, ORIGIN_TCP) != NULL, cases[i].tcp);
		assert_int_equal(origin_refused(o, s, h, ORIGIN_KNOWN) != NULL, cases[i].known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_origins) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
