/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rules.h"

static struct addr address(const char *text)
{
	struct addr out;

	assert_int_equal(addr_parse(text, &out), 0);
	return out;
}

static void ports(void **state)
{
	static const struct {
		const char *host, *target, *add;
	} cases[] = {
		{ "0.0.0.0", "172.17.0.2",
		  "add element inet t every4 { tcp . 8080 : 172.17.0.2 . 80 }\n" },
		{ "127.0.0.1", "172.17.0.2",
		  "add element inet t ports4 { 127.0.0.1 . tcp . 8080 : 172.17.0.2 . 80 }\n" },
		{ "::", "fd00::2", "add element inet t every6 { tcp . 8080 : fd00::2 . 80 }\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rules_port port = { "tcp", address(cases[i].host),
					   8080,  address(cases[i].target),
					   80,    false };
		cleanup(buf_deinit) struct buf add = BUF_NULL;

		rules_add_port(&add, "t", &port);
		assert_string_equal(add.data, cases[i].add);
	}
}

static void networks(void **state)
{
	struct rules_network network = { .bridge = "cleat0",
					 .subnet = { address("172.17.0.0"), 24 },
					 .masquerade = true };
	cleanup(buf_deinit) struct buf open = BUF_NULL, internal = BUF_NULL;

	(void)state;
	rules_add_network(&open, "t", &network);
	assert_non_null(strstr(open.data, "own4 { \"cleat0\" . 172.17.0.0/24 }"));
	assert_non_null(strstr(open.data, "nat4 { 172.17.0.0/24 }"));
	assert_null(strstr(open.data, "internal"));
	network.internal = true;
	rules_add_network(&internal, "t", &network);
	assert_non_null(strstr(internal.data, "internal { \"cleat0\" }"));
	assert_null(strstr(internal.data, "nat4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ports), cmocka_unit_test(networks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
