/* SPDX-License-Identifier: Apache-2.0 */
#include "createjson.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static Cleat__V1__CreateContainerRequest *parse(const char *text, struct err *err)
{
	json_t *body = json_loads(text, 0, NULL);
	Cleat__V1__CreateContainerRequest *request = NULL;

	assert_non_null(body);
	if (createjson_parse(body, "web", &request, err) < 0)
		request = NULL;
	json_decref(body);
	return request;
}

static void fields_arrive(void **state)
{
	Cleat__V1__CreateContainerRequest *q =
		parse("{\"Image\":\"busybox\",\"Cmd\":[\"sh\",\"-c\",\"x\"],\"Entrypoint\":null,"
		      "\"Env\":[\"A=1\"],"
		      "\"Labels\":{\"a\":\"b\"},\"Tty\":true,\"StopTimeout\":7,\"HostConfig\":{"
		      "\"AutoRemove\":true,"
		      "\"Binds\":[\"/src:/dst:ro\"],\"Memory\":1048576,\"MemorySwappiness\":-1,"
		      "\"BlkioWeight\":300,"
		      "\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3},"
		      "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"1m\"}},"
		      "\"Tmpfs\":{\"/t\":\"size=1m\"},\"NetworkMode\":\"default\"}}",
		      NULL);
	const Cleat__V1__ContainerConfig *c = q->config;

	(void)state;
	assert_string_equal(q->name, "web");
	assert_string_equal(c->image, "busybox");
	assert_int_equal(c->command->n_values, 3);
	assert_null(c->entrypoint);
	assert_string_equal(c->labels[0]->value, "b");
	assert_true(c->tty && c->auto_remove);
	assert_int_equal(c->stop_timeout_seconds, 7);
	assert_int_equal(c->n_mounts, 2);
	assert_string_equal(c->mounts[0]->target, "/dst");
	assert_true(c->mounts[0]->read_only && c->mounts[0]->create_source);
	assert_string_equal(c->mounts[1]->type, "tmpfs");
	assert_int_equal(c->resources->memory_bytes, 1048576);
	assert_int_equal(c->resources->swappiness_case, 0);
	assert_int_equal(c->resources->blkio_weight, 300);
	assert_string_equal(c->restart_policy->name, "on-failure");
	assert_string_equal(c->log->options[0]->value, "1m");
	cleat__v1__create_container_request__free_unpacked(q, NULL);
}

static void dockers_words_for_nothing(void **state)
{
	Cleat__V1__CreateContainerRequest *q =
		parse("{\"Entrypoint\":[\"\"],\"HostConfig\":{\"Runtime\":\"cleat-oci\"}}", NULL);

	(void)state;
	assert_non_null(q->config->entrypoint);
	assert_int_equal(q->config->entrypoint->n_values, 0);
	assert_string_equal(q->config->runtime, "");
	cleat__v1__create_container_request__free_unpacked(q, NULL);
	q = parse("{\"HostConfig\":{\"Runtime\":\"/usr/bin/runc\"}}", NULL);
	assert_string_equal(q->config->runtime, "/usr/bin/runc");
	cleat__v1__create_container_request__free_unpacked(q, NULL);
}

static void wrong_values_are_named(void **state)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
		{ "{\"Image\":1}", "Image" },
		{ "{\"HostConfig\":{\"ShmSize\":-1}}", "SHM size" },
		{ "{\"Tty\":\"yes\"}", "Tty" },
		{ "{\"Env\":[1]}", "Env" },
		{ "{\"Labels\":{\"a\":1}}", "Labels" },
		{ "{\"HostConfig\":{\"Binds\":[\"only\"]}}", "only" },
		{ "{\"HostConfig\":{\"Binds\":[\"/a:/b:what\"]}}", "/a:/b:what" },
		{ "{\"HostConfig\":{\"Memory\":\"1m\"}}", "Memory" },
		{ "{\"HostConfig\":{\"BlkioWeight\":4294967396}}", "BlkioWeight" },
		{ "{\"HostConfig\":{\"BlkioWeight\":-1}}", "BlkioWeight" },
		{ "{\"HostConfig\":{\"BlkioWeight\":\"100\"}}", "BlkioWeight" },
		{ "{\"HostConfig\":{\"OomScoreAdj\":4294967296}}", "OomScoreAdj" },
		{ "{\"HostConfig\":{\"OomScoreAdj\":-1001}}", "OomScoreAdj" },
		{ "{\"StopTimeout\":4294967297}", "StopTimeout" },
		{ "{\"StopTimeout\":\"1\"}", "StopTimeout" },
		{ "{\"NetworkingConfig\":{\"EndpointsConfig\":{\"n\":{\"GwPriority\":4294967296}}}"
		  "}",
		  "GwPriority" },
		{ "{\"HostConfig\":{\"PortBindings\":{\"http\":[]}}}", "http" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_NULL;

		assert_null(parse(cases[i].text, &err));
		assert_int_equal(err.code, ERR_INVALID);
		assert_non_null(strstr(err.message, cases[i].word));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_arrive),
		cmocka_unit_test(dockers_words_for_nothing),
		cmocka_unit_test(wrong_values_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
