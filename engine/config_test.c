/* SPDX-License-Identifier: Apache-2.0 */
/* Good files change what they name and nothing else; bad ones change nothing. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text, *message;
} bad[] = {
	{ "", "line 1" },
	{ "[]", "not a JSON object" },
	{ "{\"debug\": 1}", "bad value for \"debug\"" },
	{ "{\"debgu\": true}", "unknown key \"debgu\"" },
	{ "{\"log-driver\": \"splunk\"}", "\"splunk\" is not known" },
	{ "{\"log-max-file\": -1}", "bad value" },
	{ "{\"log-max-size\": \"ten\"}", "bad value" },
	{ "{\"log-max-file\": 4294967296}", "bad value" },
	{ "{\"registry-mirrors\": [\"mirror.example\"]}", "expected http[s]://" },
	{ "{\"registry-mirrors\": [\"https://u@mirror.example\"]}", "expected http[s]://" },
	{ "{\"dns\": [\"10.0.0.1\", \"server.example\"]}", "server.example" },
	{ "{\"publish-policy\": \"output\"}", "expected forward or input" },
	{ "{\"insecure-registries\": \"lan\"}", "bad value" },
	{ "{\"insecure-registries\": [1]}", "bad value" },
	{ "{\"userns-pool\": \"1000:65536\"}", "expected FIRST:COUNT" },
	{ "{\"userns-pool\": \"4294967000:65536\"}", "expected FIRST:COUNT" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct config config, defaults;
		struct err err = ERR_NULL;

		config_defaults(&config);
		config_defaults(&defaults);
		assert_true(config_parse(bad[i].text, strlen(bad[i].text), &config, &err) < 0);
		assert_non_null(strstr(err.message, bad[i].message));
		assert_string_equal(config.log_driver, defaults.log_driver);
		assert_int_equal(config.log_max_files, defaults.log_max_files);
	}
}

static void test_good(void **state)
{
	static const char text[] =
		"{\"debug\": true, \"log-max-size\": \"10m\", \"layer-max-size\": \"3g\", "
		"\"log-driver\": \"json-file\", \"log-max-file\": \"3\", "
		"\"publish-policy\": \"input\"}";
	struct config config;
	struct err err = ERR_NULL;

	(void)state;
	config_defaults(&config);
	assert_int_equal(config_parse(text, strlen(text), &config, &err), 0);
	assert_true(config.debug);
	assert_true(config_publish_by_input(&config));
	assert_int_equal(config.log_max_size, 10 << 20);
	assert_int_equal(config.log_max_files, 3);
	assert_int_equal(config.layer_max_bytes, UINT64_C(3) << 30);
	assert_string_equal(config.log_driver, "json-file");
	assert_int_equal(config.shutdown_timeout_s, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
