/* SPDX-License-Identifier: Apache-2.0 */
#include "statsjson.h"

#include <string.h>

#include "base_test.h"

/* The number at "a.b.c", or -1. */
static json_int_t at(json_t *json, const char *path)
{
	char copy[80], *rest = copy, *key;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	while ((key = strsep(&rest, ".")))
		json = json_object_get(json, key);
	return json ? json_integer_value(json) : -1;
}

static Cleat__V1__StatsSample sample(int64_t time_ns, uint64_t cpu_ns)
{
	Cleat__V1__StatsSample s = CLEAT__V1__STATS_SAMPLE__INIT;

	s.id = (char *)"0123";
	s.name = (char *)"web";
	s.time_ns = time_ns;
	s.cpu_total_ns = cpu_ns;
	s.host_cpu_ns = cpu_ns * 10;
	s.online_cpus = 2;
	s.cgroup_version = 1;
	s.memory_bytes = 100;
	s.memory_limit_bytes = 200;
	s.memory_peak_bytes = 150;
	s.memory_failures = 3;
	s.pids = 1;
	return s;
}

static void test_running(void **state)
{
	uint64_t per_cpu[] = { 4, 5 };
	Cleat__V1__StatsSample before = sample(INT64_C(1000000000), 7),
			       now = sample(INT64_C(2000000000), 9);
	json_t *json;

	(void)state;
	now.per_cpu_ns = per_cpu;
	now.n_per_cpu_ns = 2;
	json = statsjson(&before, &now);
	assert_string_equal(json_string_value(json_object_get(json, "name")), "/web");
	assert_string_equal(json_string_value(json_object_get(json, "read")),
			    "1970-01-01T00:00:02.000000000Z");
	assert_string_equal(json_string_value(json_object_get(json, "preread")),
			    "1970-01-01T00:00:01.000000000Z");
	assert_int_equal(at(json, "cpu_stats.cpu_usage.total_usage"), 9);
	assert_int_equal(at(json, "cpu_stats.system_cpu_usage"), 90);
	assert_int_equal(at(json, "precpu_stats.cpu_usage.total_usage"), 7);
	assert_int_equal(at(json, "memory_stats.max_usage"), 150);
	assert_int_equal(at(json, "memory_stats.failcnt"), 3);
	assert_int_equal(at(json, "pids_stats.current"), 1);
	assert_int_equal(at(json, "pids_stats.limit"), -1);
	json_decref(json);
}

static void test_versions(void **state)
{
	Cleat__V1__StatsSample now = sample(1, 1);
	json_t *json;

	(void)state;
	now.cgroup_version = 2;
	json = statsjson(NULL, &now);
	assert_int_equal(at(json, "memory_stats.max_usage"), -1);
	assert_int_equal(at(json, "memory_stats.failcnt"), -1);
	assert_int_equal(at(json, "memory_stats.usage"), 100);
	assert_int_equal(at(json, "precpu_stats.system_cpu_usage"), -1);
	assert_int_equal(at(json, "precpu_stats.cpu_usage.total_usage"), 0);
	json_decref(json);
}

static void test_stopped(void **state)
{
	Cleat__V1__StatsSample now = CLEAT__V1__STATS_SAMPLE__INIT;
	json_t *json;

	(void)state;
	now.id = (char *)"0123";
	now.name = (char *)"web";
	json = statsjson(NULL, &now);
	assert_string_equal(json_string_value(json_object_get(json, "read")),
			    "0001-01-01T00:00:00Z");
	assert_int_equal(json_object_size(json_object_get(json, "memory_stats")), 0);
	assert_int_equal(json_object_size(json_object_get(json, "pids_stats")), 0);
	assert_true(json_is_null(
		json_object_get(json_object_get(json, "blkio_stats"), "io_serviced_recursive")));
	assert_int_equal(at(json, "cpu_stats.cpu_usage.total_usage"), 0);
	assert_null(json_object_get(json, "networks"));
	json_decref(json);
}

static void test_io(void **state)
{
	Cleat__V1__StatsSample__BlockCounters read = CLEAT__V1__STATS_SAMPLE__BLOCK_COUNTERS__INIT;
	Cleat__V1__StatsSample__BlockCounters *blocks[] = { &read };
	Cleat__V1__StatsSample__NetworkCounters eth0 =
		CLEAT__V1__STATS_SAMPLE__NETWORK_COUNTERS__INIT;
	Cleat__V1__StatsSample__NetworkCounters *nets[] = { &eth0 };
	Cleat__V1__StatsSample now = sample(1, 1);
	json_t *json, *list;

	(void)state;
	read.major = 8;
	read.operation = (char *)"Read";
	read.bytes = 4096;
	read.operations = 2;
	eth0.interface = (char *)"eth0";
	eth0.tx_errors = 6;
	now.blocks = blocks;
	now.n_blocks = 1;
	now.networks = nets;
	now.n_networks = 1;
	json = statsjson(NULL, &now);
	assert_int_equal(at(json, "networks.eth0.tx_errors"), 6);
	list = json_object_get(json_object_get(json, "blkio_stats"), "io_service_bytes_recursive");
	assert_int_equal(at(json_array_get(list, 0), "value"), 4096);
	list = json_object_get(json_object_get(json, "blkio_stats"), "io_serviced_recursive");
	assert_int_equal(at(json_array_get(list, 0), "value"), 2);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_io),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
