/* SPDX-License-Identifier: Apache-2.0 */
#include "statskeep.h"

#include <stdio.h>
#include <string.h>

#include "base_test.h"

#define S INT64_C(1000000000)

static int setup(void **state)
{
	*state = statskeep_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	statskeep_free(*state);
	return 0;
}

static Cleat__V1__StatsSample sample(const char *id, int64_t time_ns, uint64_t cpu_ns)
{
	Cleat__V1__StatsSample s = CLEAT__V1__STATS_SAMPLE__INIT;

	s.id = (char *)(uintptr_t)id;
	s.time_ns = time_ns;
	s.cpu_total_ns = cpu_ns;
	s.online_cpus = 2;
	s.host_cpu_ns = (uint64_t)time_ns * 2;
	return s;
}

static void the_last_look_is_compared_with(void **state)
{
	Cleat__V1__StatsSample first = sample("a", 100 * S, 5), now = sample("a", 110 * S, 9),
			       before;

	statskeep_put(*state, &first);
	assert_true(statskeep_before(*state, &now, S, &before));
	assert_int_equal(before.time_ns, 100 * S);
	assert_int_equal(before.cpu_total_ns, 5);
	assert_int_equal(before.host_cpu_ns, 200 * S);
	/* one entry a container: a later look replaces it */
	statskeep_put(*state, &now);
	now.time_ns += S;
	assert_true(statskeep_before(*state, &now, S, &before));
	assert_int_equal(before.cpu_total_ns, 9);
}

static void a_look_too_near_or_far_is_of_no_use(void **state)
{
	Cleat__V1__StatsSample first = sample("a", 100 * S, 5), before, now;

	statskeep_put(*state, &first);
	now = sample("a", 100 * S + S / 100, 6);
	assert_false(statskeep_before(*state, &now, S, &before));
	now = sample("a", 161 * S, 6);
	assert_false(statskeep_before(*state, &now, S, &before));
	now = sample("b", 101 * S, 6);
	assert_false(statskeep_before(*state, &now, S, &before));
}

/* The counters of a container that was started anew began anew. */
static void the_start_is_compared_with(void **state)
{
	Cleat__V1__StatsSample first = sample("a", 100 * S, 5), now = sample("a", 110 * S, 9),
			       before;

	statskeep_put(*state, &first);
	assert_true(statskeep_before(*state, &now, 105 * S, &before));
	assert_int_equal(before.time_ns, 105 * S);
	assert_int_equal(before.cpu_total_ns, 0);
	assert_int_equal(before.host_cpu_ns, 220 * S - 10 * S);
}

static void what_is_old_goes(void **state)
{
	char id[16];
	Cleat__V1__StatsSample now, before;

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		now = sample(id, i * S, (uint64_t)i);
		statskeep_put(*state, &now);
	}
	now = sample("990", 1000 * S, 7);
	assert_true(statskeep_before(*state, &now, 1, &before));
	assert_int_equal(before.cpu_total_ns, 990);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_last_look_is_compared_with, setup, teardown),
		cmocka_unit_test_setup_teardown(a_look_too_near_or_far_is_of_no_use, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_start_is_compared_with, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_old_goes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
