/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <string.h>

#include "base_test.h"
#include "str.h"

#define S INT64_C(1000000000)

static void defaults_are_dockers(void **state)
{
	struct health_config c = { 0 };

	(void)state;
	health_config_default(&c);
	assert_int_equal(c.interval_ns, 30 * S);
	assert_int_equal(c.timeout_ns, 30 * S);
	assert_int_equal(c.start_period_ns, 0);
	assert_int_equal(c.start_interval_ns, 5 * S);
	assert_int_equal(c.retries, 3);
	c = (struct health_config){ 1000001, 2, 3, 1000004, 5 };
	health_config_default(&c);
	assert_int_equal(c.interval_ns + c.timeout_ns + c.start_period_ns, 1000006);
	assert_int_equal(c.start_interval_ns + c.retries, 1000009);
	c = (struct health_config){ .interval_ns = 1 };
	health_config_default(&c);
	assert_int_equal(c.interval_ns, 1000000);
}

/* Probes one after the other, each with the status behind it. */
static void a_life(void **state)
{
	static const struct health_config c = {
		.interval_ns = 10 * S,
		.timeout_ns = S,
		.start_period_ns = 30 * S,
		.start_interval_ns = 2 * S,
		.retries = 2,
	};
	static const struct {
		int64_t at_s, wait_s; /* and to the next one */
		int code;
		enum health_status status;
		uint32_t streak;
		bool changed;
	} probes[] = {
		/* failures of the start period do not count */
		{ 2, 2, 1, HEALTH_STARTING, 0, false },
		{ 4, 2, -1, HEALTH_STARTING, 0, false },
		/* but they do once it was healthy, and the start interval is over */
		{ 6, 10, 0, HEALTH_HEALTHY, 0, true },
		{ 16, 10, 1, HEALTH_HEALTHY, 1, false },
		{ 26, 10, 0, HEALTH_HEALTHY, 0, false },
		{ 36, 10, 1, HEALTH_HEALTHY, 1, false },
		{ 46, 10, 137, HEALTH_UNHEALTHY, 2, true },
		{ 56, 10, 1, HEALTH_UNHEALTHY, 3, false },
		{ 66, 10, 0, HEALTH_HEALTHY, 0, true },
	};
	struct health h;

	(void)state;
	health_begin(&h);
	assert_int_equal(h.status, HEALTH_STARTING);
	assert_int_equal(health_wait_ns(&h, &c, 0), 2 * S);
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		assert_int_equal(health_result(&h, &c, probes[i].code, probes[i].at_s * S),
				 probes[i].changed);
		assert_int_equal(h.status, probes[i].status);
		assert_int_equal(h.streak, probes[i].streak);
		assert_int_equal(health_wait_ns(&h, &c, probes[i].at_s * S), probes[i].wait_s * S);
	}
}

/* Never healthy: from the end of the period on failures count, at the usual interval. */
static void the_start_period_ends(void **state)
{
	static const struct health_config c = { 10 * S, S, 5 * S, S, 1 };
	struct health h;

	(void)state;
	health_begin(&h);
	assert_false(health_result(&h, &c, 1, 5 * S - 1));
	assert_int_equal(health_wait_ns(&h, &c, 5 * S), 10 * S);
	assert_true(health_result(&h, &c, 1, 5 * S));
	assert_int_equal(h.status, HEALTH_UNHEALTHY);
}

static void output_is_bounded(void **state)
{
	static struct health_output out;
	char *much = calloc(1, HEALTH_OUTPUT_MAX + 10);

	(void)state;
	memset(much, 'x', HEALTH_OUTPUT_MAX + 9);
	health_output_add(&out, "ab", 2);
	health_output_add(&out, "c", 1);
	health_output_end(&out);
	assert_string_equal(out.text, "abc");
	/* all of it fits; one more does not */
	out = (struct health_output){ .n = 0 };
	health_output_add(&out, much, HEALTH_OUTPUT_MAX);
	health_output_end(&out);
	assert_int_equal(strlen(out.text), HEALTH_OUTPUT_MAX);
	out = (struct health_output){ .n = 0 };
	health_output_add(&out, much, HEALTH_OUTPUT_MAX);
	health_output_add(&out, "y", 1);
	health_output_end(&out);
	assert_int_equal(strlen(out.text), HEALTH_OUTPUT_MAX + 3);
	assert_string_equal(out.text + HEALTH_OUTPUT_MAX - 1, "x...");
	/* a timeout of that has room for its sentence too */
	out = (struct health_output){ .n = 0 };
	health_output_add(&out, much, HEALTH_OUTPUT_MAX + 9);
	health_output_timeout(&out, 90 * S);
	assert_true(strlen(out.text) < sizeof(out.text));
	assert_memory_equal(out.text, "Health check exceeded timeout (1m30s): xxx", 42);
	free(much);
}

static void output_is_text(void **state)
{
	static struct health_output out;
	char edge[HEALTH_OUTPUT_MAX + 2];

	(void)state;
	health_output_add(&out,
			  "a\xff"
			  "b\0c",
			  5);
	health_output_end(&out);
	assert_true(str_is_utf8(out.text));
	assert_int_equal(out.text[0], 'a');
	assert_int_equal(out.text[out.n - 1], 'c');
	/* a character on the edge goes as a whole */
	memset(edge, 'x', sizeof(edge));
	memcpy(edge + HEALTH_OUTPUT_MAX - 1, "\xc3\xa4", 2);
	out = (struct health_output){ .n = 0 };
	health_output_add(&out, edge, sizeof(edge));
	health_output_end(&out);
	assert_string_equal(out.text + HEALTH_OUTPUT_MAX - 2, "x...");
	out = (struct health_output){ .n = 0 };
	health_output_timeout(&out, S / 10);
	assert_string_equal(out.text, "Health check exceeded timeout (100ms)");
}

static void durations_are_gos(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 30 * S, "30s" },
		{ 90 * S, "1m30s" },
		{ 3600 * S, "1h0m0s" },
		{ S * 3 / 2, "1.5s" },
		{ 100000000, "100ms" },
		{ 1500000, "1.5ms" },
		{ 1, "1ns" },
		{ 60 * S + 250000000, "1m0.25s" },
		{ 0, "0s" },
		{ 90061 * S, "25h1m1s" },
		{ 2500, "2.5\u00b5s" },
	};
	char out[HEALTH_DURATION_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(health_duration(cases[i].ns, out), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_dockers),  cmocka_unit_test(a_life),
		cmocka_unit_test(the_start_period_ends), cmocka_unit_test(output_is_bounded),
		cmocka_unit_test(output_is_text),        cmocka_unit_test(durations_are_gos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
