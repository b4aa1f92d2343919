/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static void versions(void **state)
{
	static const struct {
		const char *path, *rest;
		int r;
		unsigned minor;
	} cases[] = {
		{ "/v1.44/info", "/info", 0, 44 },
		{ "/info", "/info", 0, ROUTE_MINOR_MAX },
		{ "/v1.24/_ping", "/_ping", 0, 24 },
		{ "/v1.23/info", NULL, -22, 0 },
		{ "/v1.99/info", NULL, -22, 0 },
		{ "/v2.0/info", NULL, -EINVAL, 0 },
		{ "/v0.44/info", NULL, -EINVAL, 0 },
		{ "/v1000.0/info", "/v1000.0/info", 0, ROUTE_MINOR_MAX },
		{ "/v1.x/info", "/v1.x/info", 0, ROUTE_MINOR_MAX },
		{ "/v1.44", "/v1.44", 0, ROUTE_MINOR_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_match match;
		const char *path = cases[i].path;

		assert_int_equal(route_version(&path, &match, NULL), cases[i].r);
		if (cases[i].r)
			continue;
		assert_string_equal(path, cases[i].rest);
		assert_int_equal(match.minor, cases[i].minor);
	}
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *path, *param; /* NULL = no match */
	} cases[] = {
		{ "/containers/json", "/containers/json", "" },
		{ "/containers/{}/start", "/containers/web/start", "web" },
		{ "/containers/{}/start", "/containers//start", NULL },
		{ "/containers/{}/start", "/containers/web/stop", NULL },
		{ "/containers/{}", "/containers/web", "web" },
		{ "/images/{}/json", "/images/a/b:1/json", "a/b:1" },
		{ "/images/{}/json", "/images/json", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_match match = { .param = "" };
		bool matches = route_matches(cases[i].pattern, cases[i].path, &match);

		print_message("%s %s\n", cases[i].pattern, cases[i].path);
		assert_int_equal(matches, cases[i].param != NULL);
		if (matches)
			assert_string_equal(match.param, cases[i].param);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(versions),
					    cmocka_unit_test(patterns) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
