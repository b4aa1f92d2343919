/* SPDX-License-Identifier: Apache-2.0 */
/* The rules and sentences are Docker's (moby daemon/container.go, container/ runconfig's Merge). */
#include "healthcheck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"
#include "internal.h"
#include "str.h"

enum { RESULTS_MAX = 64 << 10, STOP_TIMEOUT_MS = 10000 };

#define MINIMUM_NS INT64_C(1000000)

static int check_test(const Cleat__V1__StringList *test, struct err *err)
{
	const char *kind = test && test->n_values ? test->values[0] : "NONE";

	if (strcmp(kind, "NONE") == 0)
		return 0;
	if (strcmp(kind, "CMD") != 0 && strcmp(kind, "CMD-SHELL") != 0)
		return err_set(err, ERR_INVALID,
			       "Unknown healthcheck type '%.40s' (expected 'CMD', 'CMD-SHELL' or "
			       "'NONE')",
			       kind);
	if (test->n_values < 2 || !test->values[1][0])
		return err_set(err, ERR_INVALID, "Test in Healthcheck: %s without a command", kind);
	return 0;
}

int healthcheck_check(const Cleat__V1__HealthCheck *check, struct err *err)
{
	if (!check)
		return 0;

	const struct {
		const char *name;
		int64_t ns;
	} times[] = {
		{ "Interval", check->interval_ns },
		{ "Timeout", check->timeout_ns },
		{ "StartPeriod", check->start_period_ns },
		{ "StartInterval", check->start_interval_ns },
	};

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (times[i].ns != 0 && times[i].ns < MINIMUM_NS)
			return err_set(err, ERR_INVALID,
				       "%s in Healthcheck cannot be less than 1ms", times[i].name);
	if (check->retries > INT32_MAX)
		return err_set(err, ERR_INVALID, "Retries in Healthcheck cannot be negative");
	return check_test(check->test, err);
}

static int take_test(const struct strings *test, Cleat__V1__HealthCheck *check)
{
	if (check->test && check->test->n_values)
		return 0;
	if (!check->test) {
		check->test = malloc(sizeof(*check->test));
		if (!check->test)
			return -ENOMEM;
		cleat__v1__string_list__init(check->test);
	}
	check->test->values = calloc(test->n + 1, sizeof(*check->test->values));
	if (!check->test->values)
		return -ENOMEM;
	for (size_t i = 0; i < test->n; i++) {
		check->test->values[i] = strdup(test->v[i]);
		if (!check->test->values[i])
			return -ENOMEM;
		check->test->n_values++;
	}
	return 0;
}

static void take_number(int64_t *field, int64_t value)
{
	*field = *field ? *field : value;
}

int healthcheck_apply(Cleat__V1__ContainerConfig *config, const struct image_health *image,
		      struct err *err)
{
	Cleat__V1__HealthCheck *check = config->health_check;

	if (internal_is(config) || (!check && image->test.n == 0))
		return 0;
	if (!check) {
		check = config->health_check = malloc(sizeof(*check));
		if (!check)
			return err_sys(err, ENOMEM, "health check");
		cleat__v1__health_check__init(check);
	}
	if (take_test(&image->test, check) < 0)
		return err_sys(err, ENOMEM, "health check");
	take_number(&check->interval_ns, image->interval_ns);
	take_number(&check->timeout_ns, image->timeout_ns);
	take_number(&check->start_period_ns, image->start_period_ns);
	take_number(&check->start_interval_ns, image->start_interval_ns);
	check->retries = check->retries ? check->retries : image->retries;
	return 0;
}

int healthcheck_command(const Cleat__V1__ContainerConfig *config, char ***words, size_t *n)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	const Cleat__V1__StringList *test =
		config && config->health_check ? config->health_check->test : NULL;
	struct err err = ERR_NULL;
	size_t at = 0;
	bool line;

	*words = NULL;
	*n = 0;
	/* what an image has may be anything: Docker runs nothing then */
	if (!test || test->n_values < 2 || check_test(test, &err) < 0 ||
	    strcmp(test->values[0], "NONE") == 0)
		return 0;
	line = strcmp(test->values[0], "CMD-SHELL") == 0;
	*words = calloc(test->n_values + 2, sizeof(**words));
	if (!*words)
		return -ENOMEM;
	if (line) {
		(*words)[at++] = shell;
		(*words)[at++] = option;
	}
	for (size_t i = 1; i < test->n_values; i++)
		(*words)[at++] = test->values[i];
	*n = at;
	return 0;
}

int healthcheck_process(const char *id, const Cleat__V1__ContainerConfig *config,
			const struct spec_user *user, char **json, struct err *err)
{
	Cleat__V1__CreateExecRequest exec = CLEAT__V1__CREATE_EXEC_REQUEST__INIT;
	cleanup_free char **words = NULL;
	size_t n;
	const struct spec_exec_input in = {
		.container_id = id, .container = config, .exec = &exec, .user = *user
	};

	*json = NULL;
	if (healthcheck_command(config, &words, &n) < 0)
		return err_sys(err, ENOMEM, "health check");
	if (n == 0)
		return 0;
	exec.command = words;
	exec.n_command = n;
	return spec_exec(&in, json, err);
}

void healthcheck_spec(const Cleat__V1__ContainerConfig *config, Cleat__Shim__V1__HealthCheck *out)
{
	const Cleat__V1__HealthCheck *check = config->health_check;

	out->interval_ns = check->interval_ns;
	out->timeout_ns = check->timeout_ns;
	out->start_period_ns = check->start_period_ns;
	out->start_interval_ns = check->start_interval_ns;
	out->retries = check->retries;
	out->stop_timeout_ms = STOP_TIMEOUT_MS;
	if (config->stop_timeout_case ==
	    CLEAT__V1__CONTAINER_CONFIG__STOP_TIMEOUT_STOP_TIMEOUT_SECONDS)
		out->stop_timeout_ms = config->stop_timeout_seconds < 0 ? -1
				       : config->stop_timeout_seconds > INT32_MAX / 1000
					       ? INT32_MAX
					       : config->stop_timeout_seconds * 1000;
}

static int add_result(Cleat__V1__ContainerRuntimeState *out,
		      const Cleat__Shim__V1__HealthResult *result)
{
	Cleat__V1__HealthProbe *probe = malloc(sizeof(*probe));

	if (!probe)
		return -ENOMEM;
	cleat__v1__health_probe__init(probe);
	out->probes[out->n_probes++] = probe;
	probe->start_ns = result->start_ns;
	probe->end_ns = result->end_ns;
	probe->exit_code = result->exit_code;
	probe->output = strdup(result->output);
	return probe->output ? 0 : -ENOMEM;
}

int healthcheck_results(const struct engine *engine, const char *id,
			Cleat__V1__ContainerRuntimeState *out)
{
	cleanup(buf_deinit) struct buf bytes = BUF_NULL;
	Cleat__Shim__V1__HealthLog *log;
	char path[80];
	int r = 0;

	(void)snprintf(path, sizeof(path), "%.64s/health", id);
	if (fd_read_file(engine->containers_fd, path, RESULTS_MAX, &bytes) < 0)
		return 0;
	log = cleat__shim__v1__health_log__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
	if (!log)
		return 0;
	out->probes = calloc(log->n_results + 1, sizeof(*out->probes));
	if (!out->probes)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < log->n_results; i++)
		r = add_result(out, log->results[i]);
	cleat__shim__v1__health_log__free_unpacked(log, NULL);
	return r;
}
