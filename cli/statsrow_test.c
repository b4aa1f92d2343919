/* SPDX-License-Identifier: Apache-2.0 */
#include "statsrow.h"

#include <string.h>

#include "base_test.h"

static Cleat__V1__StatsSample sample(uint64_t cpu_ns, uint64_t host_ns)
{
	Cleat__V1__StatsSample s = CLEAT__V1__STATS_SAMPLE__INIT;

	s.cpu_total_ns = cpu_ns;
	s.host_cpu_ns = host_ns;
	s.online_cpus = 4;
	return s;
}

static void test_cpu(void **state)
{
	Cleat__V1__StatsSample before = sample(1000, 10000), now = sample(2000, 14000);
	Cleat__V1__StatsSample anew = sample(5, 20000);

	(void)state;
	assert_true(statsrow_cpu(&before, &now) > 99.9 && statsrow_cpu(&before, &now) < 100.1);
	assert_true(statsrow_cpu(NULL, &now) == 0.0);
	assert_true(statsrow_cpu(&now, &now) == 0.0);
	assert_true(statsrow_cpu(&now, &anew) == 0.0);
}

/* The key differs by version of cgroups, and more cache than memory is no reason to wrap around. */
static void test_memory(void **state)
{
	Cleat__V1__StatsSample__MemoryStatEntry
		v1 = CLEAT__V1__STATS_SAMPLE__MEMORY_STAT_ENTRY__INIT,
		v2 = v1;
	Cleat__V1__StatsSample__MemoryStatEntry *stat[] = { &v1, &v2 };
	Cleat__V1__StatsSample s = sample(0, 0);

	(void)state;
	v1.key = (char *)"total_inactive_file";
	v1.value = 30;
	v2.key = (char *)"inactive_file";
	v2.value = 10;
	s.memory_stat = stat;
	s.n_memory_stat = 2;
	s.memory_bytes = 100;
	s.cgroup_version = 1;
	assert_int_equal(statsrow_memory(&s), 70);
	s.cgroup_version = 2;
	assert_int_equal(statsrow_memory(&s), 90);
	v2.value = 200;
	assert_int_equal(statsrow_memory(&s), 100);
}

static void expect(json_t *row, const char *key, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(row, key)), text);
}

static void test_row(void **state)
{
	Cleat__V1__StatsSample__NetworkCounters
		eth0 = CLEAT__V1__STATS_SAMPLE__NETWORK_COUNTERS__INIT,
		eth1 = eth0;
	Cleat__V1__StatsSample__NetworkCounters *networks[] = { &eth0, &eth1 };
	Cleat__V1__StatsSample s = sample(0, 0);
	json_t *row;

	(void)state;
	eth0.rx_bytes = 1000;
	eth1.rx_bytes = 234;
	eth1.tx_bytes = 5;
	s.id = (char *)"0123456789abcdef0123";
	s.name = (char *)"web";
	s.networks = networks;
	s.n_networks = 2;
	s.memory_bytes = 1 << 20;
	s.memory_limit_bytes = 4 << 20;
	s.block_read_bytes = 4096;
	s.pids = 3;
	row = statsrow(NULL, &s, NULL, false);
	expect(row, "ID", "0123456789ab");
	expect(row, "Container", "0123456789ab");
	expect(row, "Name", "web");
	expect(row, "CPUPerc", "0.00%");
	expect(row, "MemUsage", "1MiB / 4MiB");
	expect(row, "MemPerc", "25.00%");
	expect(row, "NetIO", "1.23kB / 5B");
	expect(row, "BlockIO", "4.1kB / 0B");
	expect(row, "PIDs", "3");
	json_decref(row);
	row = statsrow(NULL, &s, "web", true);
	expect(row, "ID", "0123456789abcdef0123");
	expect(row, "Container", "web");
	json_decref(row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
