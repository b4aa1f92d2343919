/* SPDX-License-Identifier: Apache-2.0 */
/* Files of Docker's, read and changed. */
#include "dockercfg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char file[] = "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpwOnc=\"},"
			   "\"https://old.example/v1/\":{\"auth\":\"bzpw\"},"
			   "\"tok\":{\"auth\":\"dTo=\",\"identitytoken\":\"t\"},"
			   "\"bad\":{\"auth\":\"***\"}},"
			   "\"credHelpers\":{\"gcr.io\":\"gcloud\"},\"HttpHeaders\":{\"X\":\"y\"}}";

static void test_find(void **state)
{
	static const struct {
		const char *server, *user, *password, *token, *helper;
	} cases[] = {
		{ "docker.io", "u", "p:w", NULL, NULL },  { "", "u", "p:w", NULL, NULL },
		{ "old.example", "o", "p", NULL, NULL },  { "tok", "u", "", "t", NULL },
		{ "gcr.io", NULL, NULL, NULL, "gcloud" }, { "none:1", NULL, NULL, NULL, NULL },
	};
	struct dockercfg_entry e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got[4], *want[] = { cases[i].user, cases[i].password, cases[i].token,
						cases[i].helper };

		assert_int_equal(dockercfg_find(file, strlen(file), cases[i].server, &e, NULL), 0);
		got[0] = e.username;
		got[1] = e.password;
		got[2] = e.identity_token;
		got[3] = e.helper;
		for (size_t k = 0; k < ARRAY_LEN(want); k++) {
			if (want[k])
				assert_string_equal(got[k], want[k]);
			else
				assert_null(got[k]);
		}
		dockercfg_entry_deinit(&e);
	}
	assert_int_equal(dockercfg_find(file, strlen(file), "bad", &e, NULL), -EINVAL);
	assert_int_equal(dockercfg_find("[", 1, "x", &e, NULL), -EINVAL);
	assert_int_equal(dockercfg_find("", 0, "x", &e, NULL), 0);
}

static void test_store(void **state)
{
	struct dockercfg_entry mine = { .username = (char[]){ "new" },
					.password = (char[]){ "pw" } };
	struct dockercfg_entry e;
	char *out = NULL;

	(void)state;
	assert_int_equal(dockercfg_store(file, strlen(file), "old.example", &mine, &out, NULL), 0);
	assert_non_null(strstr(out, "HttpHeaders"));
	assert_null(strstr(out, "https://old.example/v1/"));
	assert_int_equal(dockercfg_find(out, strlen(out), "old.example", &e, NULL), 0);
	assert_string_equal(e.username, "new");
	assert_string_equal(e.password, "pw");
	dockercfg_entry_deinit(&e);
	free(out);
	assert_int_equal(dockercfg_store(file, strlen(file), "docker.io", NULL, &out, NULL), 0);
	assert_int_equal(dockercfg_find(out, strlen(out), "docker.io", &e, NULL), 0);
	assert_null(e.username);
	free(out);
}

static void test_hosts(void **state)
{
	static const char *const cases[][2] = {
		{ "busybox", "docker.io" },
		{ "a/b:1", "docker.io" },
		{ "localhost/x", "localhost" },
		{ "reg.example/x", "reg.example" },
		{ "127.0.0.1:5000/a/b", "127.0.0.1:5000" },
		{ "h:5000/x@sha256:1", "h:5000" },
	};
	char host[DOCKERCFG_HOST_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		dockercfg_host(cases[i][0], host);
		assert_string_equal(host, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_find),
					    cmocka_unit_test(test_store),
					    cmocka_unit_test(test_hosts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
