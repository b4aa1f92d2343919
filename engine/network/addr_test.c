/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "addr.h"

static void addresses(void **state)
{
	static const char *const good[] = { "10.0.0.1", "fd00::1", "::1", "255.255.255.255" };
	static const char *const bad[] = { "", "10.0.0", "10.0.0.256", "fd00::g", "10.0.0.1/24" };
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(addr_parse(good[i], &addr), 0);
		addr_format(&addr, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(addr_parse(bad[i], &addr) < 0);
}

static struct subnet subnet(const char *text)
{
	struct subnet out;

	assert_int_equal(subnet_parse(text, &out), 0);
	return out;
}

static struct addr address(const char *text)
{
	struct addr out;

	assert_int_equal(addr_parse(text, &out), 0);
	return out;
}

static void subnets(void **state)
{
	static const char *const bad[] = { "10.0.0.0",   "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/0",
					   "fd00::/129", "/8",        "x/8" };
	struct subnet s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(subnet_parse(bad[i], &s) < 0);
	s = subnet("10.1.2.3/24");
	assert_false(subnet_mask(&s));
	assert_true(subnet_mask(&s));
	assert_int_equal(subnet_size(&s), 256);
	assert_true(subnet_contains(&s, &(struct addr){ 4, { 10, 1, 2, 255 } }));
	assert_false(subnet_contains(&s, &(struct addr){ 4, { 10, 1, 3, 0 } }));
	assert_false(subnet_contains(&s, &(struct addr){ 16, { 10, 1, 2, 0 } }));
}

static void overlaps(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "10.0.0.0/8", "10.200.0.0/16", true },    { "10.0.0.0/24", "10.0.1.0/24", false },
		{ "172.16.0.0/12", "172.17.0.0/24", true }, { "fd00::/8", "fd12:3456::/64", true },
		{ "fd00::/8", "10.0.0.0/8", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct subnet a = subnet(cases[i].a), b = subnet(cases[i].b);

		assert_int_equal(subnet_overlaps(&a, &b), cases[i].overlap);
		assert_int_equal(subnet_overlaps(&b, &a), cases[i].overlap);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *subnet;
		uint64_t n;
		const char *addr;
	} cases[] = {
		{ "10.0.0.0/24", 1, "10.0.0.1" },
		{ "10.0.0.0/16", 256, "10.0.1.0" },
		{ "10.0.0.128/25", 3, "10.0.0.131" },
		{ "fd00::/64", 65537, "fd00::1:1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct subnet s = subnet(cases[i].subnet);
		struct addr want = address(cases[i].addr), got = subnet_nth(&s, cases[i].n);

		assert_true(addr_equal(&want, &got));
		assert_int_equal(subnet_number(&s, &want), cases[i].n);
	}
}

static void macs(void **state)
{
	static const char *const bad[] = { "",
					   "02:42:ac:11:00",
					   "03:42:ac:11:00:02",
					   "02:42:ac:11:00:0g",
					   "02:42:ac:11:00:022",
					   "02-42-ac-11-00-02" };
	char text[MAC_TEXT_MAX];
	uint8_t mac[6];

	(void)state;
	assert_int_equal(mac_parse("02:42:AC:11:00:02", mac), 0);
	mac_format(mac, text);
	assert_string_equal(text, "02:42:ac:11:00:02");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(mac_parse(bad[i], mac) < 0);
	mac_of_addr(&(struct addr){ 4, { 172, 17, 0, 2 } }, mac);
	mac_format(mac, text);
	assert_string_equal(text, "02:42:ac:11:00:02");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(subnets), cmocka_unit_test(overlaps),
		cmocka_unit_test(numbers),   cmocka_unit_test(macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
