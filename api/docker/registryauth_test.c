/* SPDX-License-Identifier: Apache-2.0 */
#include "registryauth.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_good(void **state)
{
	/* {"username":"u","password":"p?>","identitytoken":null,"email":"x"} in the alphabet of URLs */
	static const char header[] =
		"eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InA_PiIsImlkZW50aXR5dG9rZW4iOm51bGws"
		"ImVtYWlsIjoieCJ9";
	Cleat__V1__RegistryAuth *auth = NULL;

	(void)state;
	assert_int_equal(registryauth_header(header, &auth, NULL), 0);
	assert_string_equal(auth->username, "u");
	assert_string_equal(auth->password, "p?>");
	assert_string_equal(auth->identity_token, "");
	cleat__v1__registry_auth__free_unpacked(auth, NULL);
	assert_int_equal(registryauth_header("e30=", &auth, NULL), 0);
	assert_string_equal(auth->username, "");
	cleat__v1__registry_auth__free_unpacked(auth, NULL);
	assert_int_equal(registryauth_header("", &auth, NULL), 0);
	cleat__v1__registry_auth__free_unpacked(auth, NULL);
}

static void test_bad(void **state)
{
	static const char *const bad[] = { "*", "W10=", "eyJ1c2VybmFtZSI6MX0=", "eyJ1" };
	Cleat__V1__RegistryAuth *auth = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(registryauth_header(bad[i], &auth, NULL), -EINVAL);
	assert_null(auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good),
					    cmocka_unit_test(test_bad) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
