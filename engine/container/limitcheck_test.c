/* SPDX-License-Identifier: Apache-2.0 */
#include "limitcheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base_test.h"

struct fixture {
	Cleat__V1__Resources *limits;
	struct hostlimits host;
	char **warnings;
	size_t n;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->limits = malloc(sizeof(*f->limits));
	cleat__v1__resources__init(f->limits);
	f->host = (struct hostlimits){
		.memory = true,
		.swap = true,
		.reservation = true,
		.swappiness = true,
		.oom_control = true,
		.pids = true,
		.cpu_shares = true,
		.cpu_cfs = true,
		.cpuset = true,
		.block_weight = true,
		.block_rates = true,
		.cpus_text = "0-1",
		.mems_text = "0",
		.n_cpus = 2,
	};
	if (cpulist_parse("0-1", &f->host.cpus) || cpulist_parse("0", &f->host.mems))
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cleat__v1__resources__free_unpacked(f->limits, NULL);
	for (size_t i = 0; i < f->n; i++)
		free(f->warnings[i]);
	free(f->warnings);
	free(f);
	return 0;
}

static int check(struct fixture *f, struct err *err)
{
	return limitcheck(f->limits, &f->host, (struct warnings){ &f->warnings, &f->n }, err);
}

static void refused(struct fixture *f, const char *words)
{
	struct err err = ERR_NULL;

	assert_int_equal(check(f, &err), -EINVAL);
	assert_string_equal(err.message, words);
	assert_int_equal(f->n, 0);
}

static void what_the_host_has_is_kept(void **state)
{
	struct fixture *f = *state;

	f->limits->memory_bytes = 64 << 20;
	f->limits->nano_cpus = 2000000000;
	f->limits->cpuset_cpus = strdup("0,1");
	f->limits->pids_limit = 5;
	f->limits->oom_kill_disable = true;
	assert_int_equal(check(f, NULL), 0);
	assert_int_equal(f->n, 0);
	assert_int_equal(f->limits->memory_bytes, 64 << 20);
	assert_int_equal(f->limits->pids_limit, 5);
}

static void more_than_the_host_has_is_refused(void **state)
{
	struct fixture *f = *state;

	f->limits->nano_cpus = 2500000000;
	refused(f, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available");
	f->limits->nano_cpus = 0;
	f->limits->cpuset_cpus = strdup("1-99");
	refused(f, "Requested CPUs are not available - requested 1-99, available: 0-1");
	free(f->limits->cpuset_cpus);
	f->limits->cpuset_cpus = strdup("none");
	refused(f, "Invalid value none for cpuset cpus");
	free(f->limits->cpuset_cpus);
	f->limits->cpuset_cpus = (char *)(uintptr_t)protobuf_c_empty_string;
	f->limits->cpuset_mems = strdup("9");
	refused(f, "Requested memory nodes are not available - requested 9, available: 0");
}

static void what_the_kernel_lacks_is_discarded(void **state)
{
	struct fixture *f = *state;
	Cleat__V1__DeviceRate *rate = malloc(sizeof(*rate));

	cleat__v1__device_rate__init(rate);
	f->host = (struct hostlimits){ .n_cpus = 2 };
	f->limits->memory_bytes = 64 << 20;
	f->limits->memory_swap_bytes = -1;
	f->limits->pids_limit = 5;
	f->limits->cpu_shares = 512;
	f->limits->cpuset_cpus = strdup("0");
	f->limits->oom_kill_disable = true;
	f->limits->blkio_weight = 300;
	f->limits->device_read_bps = malloc(sizeof(rate));
	f->limits->device_read_bps[0] = rate;
	f->limits->n_device_read_bps = 1;
	assert_int_equal(check(f, NULL), 0);
	assert_int_equal(f->n, 8);
	assert_string_equal(f->warnings[0], "Your kernel does not support cpuset or the cgroup is "
					    "not mounted. Cpuset discarded.");
	assert_int_equal(f->limits->memory_bytes, 0);
	assert_int_equal(f->limits->memory_swap_bytes, 0);
	assert_int_equal(f->limits->pids_limit, 0);
	assert_int_equal(f->limits->cpu_shares, 0);
	assert_int_equal(f->limits->blkio_weight, 0);
	assert_int_equal(f->limits->n_device_read_bps, 0);
	assert_string_equal(f->limits->cpuset_cpus, "");
	assert_false(f->limits->oom_kill_disable);
	f->limits->nano_cpus = 500000000;
	assert_int_equal(check(f, NULL), -EINVAL);
}

static void an_oom_killer_that_is_off_without_a_limit(void **state)
{
	struct fixture *f = *state;

	f->limits->oom_kill_disable = true;
	assert_int_equal(check(f, NULL), 0);
	assert_int_equal(f->n, 1);
	assert_non_null(strstr(f->warnings[0], "no memory limit is set"));
	assert_true(f->limits->oom_kill_disable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_host_has_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_the_host_has_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_kernel_lacks_is_discarded, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_oom_killer_that_is_off_without_a_limit, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
