/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include "base_test.h"
#include "mem.h"

static void test_origins(void **state)
{
	static const struct {
		const char *origin, *site, *host;
		bool over_unix, over_tcp; /* refused */
	} cases[] = {
		{ "", "", "", false, false },
		{ "", "", "docker", false, true },
		{ "", "", "localhost:2375", false, false },
		{ "", "", "LOCALHOST", false, false },
		{ "", "", "127.0.0.1:2375", false, false },
		{ "", "", "127.9.9.9", false, false },
		{ "", "", "[::1]:80", false, false },
		{ "", "", "[::1", false, true },
		{ "", "", "[::2]:80", false, true },
		{ "", "", "127.0.0.1.evil.example", false, true },
		{ "", "", "localhost:80@evil.example", false, true },
		{ "", "", "10.0.0.1", false, true },
		{ "http://evil.example", "", "localhost", false, true },
		{ "null", "", "localhost", false, true },
		{ "http://localhost", "", "localhost", false, true },
		{ "", "cross-site", "localhost", true, true },
		{ "", "same-site", "localhost", true, true },
		{ "", "none", "localhost", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(origin_refused(cases[i].origin, cases[i].site, cases[i].host,
						false) != NULL,
				 cases[i].over_unix);
		assert_int_equal(
			origin_refused(cases[i].origin, cases[i].site, cases[i].host, true) != NULL,
			cases[i].over_tcp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_origins) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
