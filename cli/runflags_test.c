/* SPDX-License-Identifier: Apache-2.0 */
#include "runflags.h"

#include <stdio.h>
#include <string.h>

#include "base_test.h"

/* Files have their names as contents, after a line that is empty. */
static char *named_file(const char *path, size_t *n, struct err *err)
{
	char *content = NULL;
	int len = asprintf(&content, "\n%s", path);

	(void)err;
	*n = len < 0 ? 0 : (size_t)len;
	return len < 0 ? NULL : content;
}

static const struct runflags_source source = { NULL, named_file };

/* Words are separated by blanks. */
static Cleat__V1__CreateContainerRequest *request(const char *line, struct err *err)
{
	Cleat__V1__CreateContainerRequest *req = NULL;
	char copy[512], *argv[64], *rest = copy, *word;
	struct flags flags = { 0 };
	size_t argc = 0;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	if (flags_parse(&flags, runflags_run, argc, argv, true, err) < 0 ||
	    runflags_request(&flags, &source, &req, err) < 0)
		req = NULL;
	flags_deinit(&flags);
	return req;
}

static void flags_become_fields(void **state)
{
	Cleat__V1__CreateContainerRequest *req = request(
		"-d --name web -e A=1 -l a=b -w /srv -u web:extra -m 64m --cpus 1.5 --pids-limit "
		"20 "
		"--restart on-failure:3 -v /src:/dst:ro --tmpfs /t:size=1m --read-only --cap-drop "
		"ALL "
		"--log-opt max-size=1m --ulimit nofile=10:20 --stop-timeout 7 --network none "
		"--security-opt seccomp={} "
		"busybox sh -c x",
		NULL);
	const Cleat__V1__ContainerConfig *c;

	(void)state;
	assert_non_null(req);
	c = req->config;
	assert_string_equal(req->name, "web");
	assert_string_equal(c->image, "busybox");
	assert_int_equal(c->command->n_values, 3);
	assert_string_equal(c->env[0], "A=1");
	assert_string_equal(c->labels[0]->value, "b");
	assert_string_equal(c->user, "web:extra");
	assert_true(c->resources->memory_bytes == 64 << 20);
	assert_true(c->resources->nano_cpus == 1500000000);
	assert_int_equal(c->restart_policy->maximum_retry_count, 3);
	assert_int_equal(c->n_mounts, 2);
	assert_true(c->read_only_root);
	assert_int_equal(c->ulimits[0]->hard, 20);
	assert_int_equal(c->stop_timeout_seconds, 7);
	assert_string_equal(c->security_options[0], "seccomp={}");
	cleat__v1__create_container_request__free_unpacked(req, NULL);
}

static void wrong_values_name_the_flag(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "-m lots busybox", "memory" },
		{ "--cpus many busybox", "cpus" },
		{ "--pids-limit x busybox", "pids-limit" },
		{ "-e =x busybox", "env" },
		{ "--ulimit nofile busybox", "ulimit" },
		{ "-v : busybox", ":" },
		{ "--restart on-failure:x busybox", "restart" },
		{ "--restart-unhealthy busybox", "--restart" },
		{ "--restart always --restart-delay 1us busybox", "restart-delay" },
		{ "--no-healthcheck --health-retries 2 busybox", "conflicts" },
		{ "--health-interval -1s busybox", "--health-interval cannot be negative" },
		{ "--health-retries -1 busybox", "--health-retries cannot be negative" },
		{ "--health-timeout soon busybox", "health-timeout" },
		{ "--mount type=nonsense busybox", "nonsense" },
		{ "--security-opt seccomp=passwd busybox", "builtin or a profile in JSON" },
		{ "-p 99999:80 busybox", "99999" },
		{ "--stop-timeout x busybox", "stop-timeout" },
		{ "--nothing busybox", "--nothing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_NULL;
		Cleat__V1__CreateContainerRequest *req = request(cases[i].line, &err);

		print_message("%s: %s\n", cases[i].line, err.message);
		assert_null(req);
		assert_non_null(strstr(err.message, cases[i].text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_become_fields),
		cmocka_unit_test(wrong_values_name_the_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
