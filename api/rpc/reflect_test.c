/* SPDX-License-Identifier: Apache-2.0 */
#include "reflect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cleat/v1/config.pb-c.h"
#include "cleat/v1/containers.pb-c.h"
#include "cleat/v1/services.rpc.h"

static const struct {
	const char *in, *out; /* out NULL: refused */
	const char *complaint;
} cases[] = {
	{ "{}", "{}", NULL },
	{ "", "{}", NULL },
	{ "{\"image\":\"a\",\"tty\":true}", "{\"image\":\"a\",\"tty\":true}", NULL },
	{ "{\"working_dir\":\"/a\"}", "{\"workingDir\":\"/a\"}", NULL },
	{ "{\"image\":null,\"env\":[\"A=b\",\"\"]}", "{\"env\":[\"A=b\",\"\"]}", NULL },
	{ "{\"shmSizeBytes\":\"18446744073709551615\"}",
	  "{\"shmSizeBytes\":\"18446744073709551615\"}", NULL },
	{ "{\"shmSizeBytes\":5.0}", "{\"shmSizeBytes\":\"5\"}", NULL },
	{ "{\"labels\":{\"a\":\"b\",\"c\":\"\"}}", "{\"labels\":{\"a\":\"b\",\"c\":\"\"}}", NULL },
	{ "{\"stopTimeoutSeconds\":0}", "{\"stopTimeoutSeconds\":0}", NULL },
	{ "{\"entrypoint\":{\"values\":[]}}", "{\"entrypoint\":{}}", NULL },
	{ "{\"tty\":\"yes\"}", NULL, "tty: expected true or false" },
	{ "{\"shmSizeBytes\":-1}", NULL, "shmSizeBytes: expected an integer" },
	{ "{\"stopTimeoutSeconds\":2147483648}", NULL, "expected a 32-bit integer" },
	{ "{\"stopTimeoutSeconds\":1.5}", NULL, "expected a 32-bit integer" },
	{ "{\"env\":[\"a\",3]}", NULL, "env[1]: expected a string" },
	{ "{\"labels\":{\"a\":1}}", NULL, "labels.a: expected a string" },
	{ "{\"entrypoint\":{\"valuez\":[]}}", NULL, "entrypoint.valuez: unknown field" },
	{ "{\"workingDir\":\"a\",\"working_dir\":\"b\"}", NULL, "given twice" },
	{ "{\"image\":\"a\",\"image\":\"b\"}", NULL, "JSON: line 1" },
	{ "[]", NULL, "message: expected an object" },
	{ "{\"image\":\"a\\u0000b\"}", NULL, "JSON: line 1" },
	{ "{", NULL, "JSON: line 1" },
};

static void test_both_ways(void **state)
{
	const struct reflect r = { cleat_v1_map_entries, cleat_v1_n_map_entries, false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf out = BUF_NULL;
		struct err err = ERR_NULL;
		ProtobufCMessage *msg = NULL;
		int result = reflect_parse(&r, &cleat__v1__container_config__descriptor,
					   cases[i].in, strlen(cases[i].in), &msg, &err);

		if (!cases[i].out) {
			assert_true(result < 0);
			assert_null(msg);
			assert_int_equal(err.code, ERR_INVALID);
			assert_non_null(strstr(err.message, cases[i].complaint));
			continue;
		}
		assert_int_equal(result, 0);
		assert_int_equal(reflect_print(&r, msg, &out), 0);
		assert_string_equal(out.data, cases[i].out);
		protobuf_c_message_free_unpacked(msg, NULL);
	}
}

static void test_defaults(void **state)
{
	const struct reflect r = { cleat_v1_map_entries, cleat_v1_n_map_entries, true };
	cleanup(buf_deinit) struct buf out = BUF_NULL;
	Cleat__V1__ContainerConfig config = CLEAT__V1__CONTAINER_CONFIG__INIT;

	(void)state;
	assert_int_equal(reflect_print(&r, &config.base, &out), 0);
	assert_non_null(strstr(out.data, "\"image\":\"\""));
	assert_non_null(strstr(out.data, "\"labels\":{}"));
	assert_non_null(strstr(out.data, "\"env\":[]"));
	assert_non_null(strstr(out.data, "\"shmSizeBytes\":\"0\""));
	assert_null(strstr(out.data, "stopTimeoutSeconds"));
	assert_null(strstr(out.data, "entrypoint"));
}

static void test_bytes(void **state)
{
	static const char *const same[] = { "", "YQ==", "YWI=", "YWJj", "YWJjZA==", "+/8=" };
	const struct reflect r = { cleat_v1_map_entries, cleat_v1_n_map_entries, false };

	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(same); i++) {
		cleanup(buf_deinit) struct buf in = BUF_NULL, out = BUF_NULL;
		ProtobufCMessage *msg = NULL;

		buf_printf(&in, "{\"data\":\"%s\"}", same[i]);
		assert_int_equal(reflect_parse(&r, &cleat__v1__chunk__descriptor, in.data, in.len,
					       &msg, NULL),
				 0);
		assert_int_equal(reflect_print(&r, msg, &out), 0);
		assert_string_equal(in.data, out.data);
		protobuf_c_message_free_unpacked(msg, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
