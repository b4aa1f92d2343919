/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of registries and of the RFC, and what is none. */
#include "challenge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *text;
	int r;
	enum challenge_scheme scheme;
	const char *realm, *service, *scope;
} cases[] = {
	{ "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
	  "scope=\"repository:library/busybox:pull\"",
	  0, CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io",
	  "repository:library/busybox:pull" },
	{ "Basic realm=\"Registry Realm\"", 0, CHALLENGE_BASIC, "Registry Realm", "", "" },
	{ "basic", 0, CHALLENGE_BASIC, "", "", "" },
	{ "BEARER Realm = \"https://x/t\" , Service=plain", 0, CHALLENGE_BEARER, "https://x/t",
	  "plain", "" },
	{ "Basic realm=\"one\", Bearer realm=\"https://two\"", 0, CHALLENGE_BEARER, "https://two",
	  "", "" },
	{ "Bearer realm=\"https://two\", Basic realm=\"one\"", 0, CHALLENGE_BEARER, "https://two",
	  "", "" },
	{ "Negotiate YWJj==, Basic realm=\"a \\\"b\\\"\"", 0, CHALLENGE_BASIC, "a \"b\"", "", "" },
	{ "Negotiate, Basic realm=x", 0, CHALLENGE_BASIC, "x", "", "" },
	{ "Bearer service=\"no realm\"", -ENOTSUP, CHALLENGE_NONE, "", "", "" },
	{ "Negotiate", -ENOTSUP, CHALLENGE_NONE, "", "", "" },
	{ "", -ENOTSUP, CHALLENGE_NONE, "", "", "" },
	{ "Basic realm=\"open", -EBADMSG, CHALLENGE_NONE, "", "", "" },
	{ "Basic realm=\"x\" y", -EBADMSG, CHALLENGE_NONE, "", "", "" },
	{ "@", -EBADMSG, CHALLENGE_NONE, "", "", "" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct challenge c = { 0 };

		assert_int_equal(challenge_parse(cases[i].text, &c), cases[i].r);
		assert_int_equal(c.scheme, cases[i].scheme);
		assert_string_equal(c.realm, cases[i].realm);
		assert_string_equal(c.service, cases[i].service);
		assert_string_equal(c.scope, cases[i].scope);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
