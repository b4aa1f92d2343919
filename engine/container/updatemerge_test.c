/* SPDX-License-Identifier: Apache-2.0 */
#include "updatemerge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base_test.h"

struct fixture {
	Cleat__V1__ContainerConfig *config;
	Cleat__V1__UpdateContainerRequest request;
	Cleat__V1__Resources limits;
	Cleat__V1__RestartPolicy policy;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->config = malloc(sizeof(*f->config));
	cleat__v1__container_config__init(f->config);
	cleat__v1__update_container_request__init(&f->request);
	cleat__v1__resources__init(&f->limits);
	cleat__v1__restart_policy__init(&f->policy);
	f->request.resources = &f->limits;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cleat__v1__container_config__free_unpacked(f->config, NULL);
	free(f);
	return 0;
}

/* The limits of the request become the container's. */
static void become(struct fixture *f)
{
	assert_int_equal(updatemerge(f->config, &f->request, NULL), 0);
	cleat__v1__resources__init(&f->limits);
}

static void only_what_is_set_changes(void **state)
{
	struct fixture *f = *state;

	f->limits.memory_bytes = 64 << 20;
	f->limits.cpuset_cpus = (char *)"0-1";
	f->limits.pids_limit = 20;
	become(f);
	f->limits.cpu_shares = 512;
	f->limits.cpuset_cpus = (char *)"0";
	f->limits.pids_limit = -1;
	become(f);
	assert_int_equal(f->config->resources->memory_bytes, 64 << 20);
	assert_int_equal(f->config->resources->cpu_shares, 512);
	assert_int_equal(f->config->resources->pids_limit, -1);
	assert_string_equal(f->config->resources->cpuset_cpus, "0");
}

static void conflicts_with_what_is_set(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_NULL;

	f->limits.memory_bytes = 64 << 20;
	f->limits.memory_swap_bytes = 96 << 20;
	f->limits.nano_cpus = 500000000;
	become(f);
	f->limits.memory_bytes = 128 << 20;
	assert_int_equal(updatemerge(f->config, &f->request, &err), -EBUSY);
	assert_non_null(strstr(err.message, "already set memoryswap limit"));
	assert_int_equal(f->config->resources->memory_bytes, 64 << 20);
	f->limits.memory_swap_bytes = 256 << 20;
	become(f);
	f->limits.cpu_quota_us = 5000;
	assert_int_equal(updatemerge(f->config, &f->request, &err), -EBUSY);
	assert_non_null(strstr(err.message, "NanoCPUs has already been set"));
}

/* Swap that nobody named follows memory. */
static void swap_by_default_is_no_conflict(void **state)
{
	struct fixture *f = *state;

	f->limits.memory_bytes = 64 << 20;
	become(f);
	f->limits.memory_bytes = 256 << 20;
	become(f);
	assert_int_equal(f->config->resources->memory_bytes, 256 << 20);
}

static void some_limits_are_for_life(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_NULL;

	f->limits.oom_kill_disable = true;
	assert_int_equal(updatemerge(f->config, &f->request, &err), -EINVAL);
	assert_non_null(strstr(err.message, "oom_kill_disable"));
	assert_null(f->config->resources);
}

static void restart_policy(void **state)
{
	struct fixture *f = *state;

	f->request.resources = NULL;
	f->request.restart_policy = &f->policy;
	become(f);
	assert_null(f->config->restart_policy);
	f->policy.name = (char *)"on-failure";
	f->policy.maximum_retry_count = 3;
	become(f);
	assert_string_equal(f->config->restart_policy->name, "on-failure");
	assert_int_equal(f->config->restart_policy->maximum_retry_count, 3);
	assert_false(f->config->restart_policy->on_unhealthy);
	f->policy.on_unhealthy = true;
	become(f);
	f->policy.on_unhealthy = false;
	become(f);
	assert_true(f->config->restart_policy->on_unhealthy);
	f->config->auto_remove = true;
	f->policy.name = (char *)"always";
	assert_int_equal(updatemerge(f->config, &f->request, NULL), -EBUSY);
	assert_string_equal(f->config->restart_policy->name, "on-failure");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_is_set_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(conflicts_with_what_is_set, setup, teardown),
		cmocka_unit_test_setup_teardown(swap_by_default_is_no_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(some_limits_are_for_life, setup, teardown),
		cmocka_unit_test_setup_teardown(restart_policy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
