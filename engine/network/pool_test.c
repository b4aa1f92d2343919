/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "pool.h"

static struct subnet subnet(const char *text)
{
	struct subnet out;

	assert_int_equal(subnet_parse(text, &out), 0);
	return out;
}

static void choose(void **state)
{
	static const struct {
		const char *taken[3];
		const char *chosen;
	} cases[] = {
		{ { NULL }, "172.17.0.0/24" },
		{ { "172.17.0.0/16" }, "172.18.0.0/24" }, /* Docker's */
		{ { "172.17.0.0/24", "172.17.1.128/25" }, "172.17.2.0/24" },
		{ { "172.16.0.0/12" }, "192.168.0.0/24" },
		{ { "10.0.0.0/8", "fd00::/8" }, "172.17.0.0/24" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct subnet taken[3], out;
		char text[SUBNET_TEXT_MAX];
		size_t n = 0;

		while (n < 3 && cases[i].taken[n]) {
			taken[n] = subnet(cases[i].taken[n]);
			n++;
		}
		assert_int_equal(pool_choose(taken, n, &out), 0);
		subnet_format(&out, text);
		assert_string_equal(text, cases[i].chosen);
	}
}

static void none_left(void **state)
{
	struct subnet taken[] = { subnet("172.16.0.0/12"), subnet("192.168.0.0/16") }, out;

	(void)state;
	assert_int_equal(pool_choose(taken, 2, &out), -EADDRNOTAVAIL);
}

static void spans(void **state)
{
	static const struct {
		const char *subnet, *range;
		int r;
		uint64_t first, last;
	} cases[] = {
		{ "10.0.0.0/24", "10.0.0.0/24", 0, 1, 254 },
		{ "10.0.0.0/24", "10.0.0.128/25", 0, 128, 254 },
		{ "10.0.0.0/16", "10.0.5.0/24", 0, 1280, 1535 },
		{ "10.0.0.0/30", "10.0.0.0/30", 0, 1, 2 },
		{ "10.0.0.0/31", "10.0.0.0/31", -EINVAL, 0, 0 },
		{ "10.0.0.0/32", "10.0.0.0/32", -EINVAL, 0, 0 },
		{ "fd00::/64", "fd00::/120", 0, 1, 255 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct subnet s = subnet(cases[i].subnet), range = subnet(cases[i].range);
		struct pool_span span = { 0 };

		assert_int_equal(pool_span(&s, &range, &span), cases[i].r);
		assert_int_equal(span.first, cases[i].first);
		assert_int_equal(span.last, cases[i].last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(choose), cmocka_unit_test(none_left),
					    cmocka_unit_test(spans) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
