/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts a name leads to, and how far they are trusted. */
#include "endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"

static const char text[] =
	"{\"registry-mirrors\": [\"http://mirror:5000/hub/\", \"https://m2\"],"
	" \"insecure-registries\": [\"reg.example:5000\", \"lan\", \"10.1.0.0/16\"]}";

static void test_hub(void **state)
{
	struct endpoint found[ENDPOINTS_MAX];
	struct config config;

	(void)state;
	config_defaults(&config);
	assert_int_equal(endpoints_find(&config, "docker.io", found), 1);
	assert_string_equal(found[0].host, "registry-1.docker.io");
	assert_false(found[0].insecure || found[0].plain || found[0].mirror);
	assert_int_equal(config_parse(text, strlen(text), &config, NULL), 0);
	assert_int_equal(endpoints_find(&config, "docker.io", found), 3);
	assert_string_equal(found[0].host, "mirror:5000");
	assert_string_equal(found[0].path, "/hub");
	assert_true(found[0].plain && found[0].mirror);
	assert_string_equal(found[1].host, "m2");
	assert_false(found[1].plain);
	assert_string_equal(found[2].host, "registry-1.docker.io");
}

static void test_insecure(void **state)
{
	static const struct {
		const char *domain;
		bool insecure;
	} cases[] = {
		{ "localhost:5000", true },     { "127.0.0.1:5000", true },
		{ "127.9.9.9", true },          { "[::1]:5000", true },
		{ "reg.example:5000", true },   { "reg.example:5001", false },
		{ "reg.example", false },       { "lan:8080", true },
		{ "10.1.2.3:5000", true },      { "10.2.2.3:5000", false },
		{ "ghcr.io", false },           { "128.0.0.1", false },
		{ "localhost.example", false },
	};
	struct endpoint found[ENDPOINTS_MAX];
	struct config config;

	(void)state;
	config_defaults(&config);
	assert_int_equal(config_parse(text, strlen(text), &config, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(endpoints_find(&config, cases[i].domain, found), 1);
		assert_string_equal(found[0].host, cases[i].domain);
		assert_int_equal(found[0].insecure, cases[i].insecure);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_hub),
					    cmocka_unit_test(test_insecure) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
