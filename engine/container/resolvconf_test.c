/* SPDX-License-Identifier: Apache-2.0 */
#include "resolvconf.h"

#include "base_test.h"

static char *const none[] = { NULL };

static void a_container_has_the_hosts_or_what_is_wanted(void **state)
{
	static const char host[] = "# the host's\n"
				   "nameserver 127.0.0.53\n"
				   "domain old.example\n"
				   "nameserver ::1\n"
				   " nameserver\t10.0.0.1 # comment\n"
				   "nameserver fe80::1%eth0\n"
				   "search a.example b.example ; more\n"
				   "options edns0 trust-ad\n"
				   "sortlist 10.0.0.0\n"
				   "options rotate";
	static char one[] = "9.9.9.9", loop[] = "127.0.0.1", dot[] = ".", name[] = "c.example";
	static char ndots[] = "ndots:5";
	static char *const servers[] = { one, loop }, *const search[] = { name };
	static char *const nowhere[] = { dot }, *const options[] = { ndots };
	static const struct {
		enum resolvconf_kind kind;
		struct resolvconf_wishes wishes;
		const char *text;
	} cases[] = {
		{ RESOLVCONF_HOST,
		  { { none, 0 }, { none, 0 }, { none, 0 } },
		  "nameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.1\n"
		  "nameserver fe80::1%eth0\nsearch a.example b.example\n"
		  "options edns0 trust-ad rotate\n" },
		{ RESOLVCONF_OWN,
		  { { none, 0 }, { none, 0 }, { none, 0 } },
		  "nameserver 10.0.0.1\nnameserver fe80::1%eth0\nsearch a.example b.example\n"
		  "options edns0 trust-ad rotate\n" },
		{ RESOLVCONF_NAMES,
		  { { servers, 2 }, { none, 0 }, { none, 0 } },
		  "nameserver 127.0.0.11\nsearch a.example b.example\n"
		  "options edns0 trust-ad rotate ndots:0\n" },
		{ RESOLVCONF_OWN,
		  { { servers, 2 }, { search, 1 }, { options, 1 } },
		  "nameserver 9.9.9.9\nnameserver 127.0.0.1\nsearch c.example\n"
		  "options ndots:5\n" },
		{ RESOLVCONF_NAMES,
		  { { none, 0 }, { nowhere, 1 }, { options, 1 } },
		  "nameserver 127.0.0.11\noptions ndots:5\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf out = BUF_NULL;

		resolvconf_write(host, cases[i].kind, &cases[i].wishes, &out);
		assert_string_equal(out.data, cases[i].text);
	}
}

static void servers_of_others_are_told_from_the_hosts(void **state)
{
	(void)state;
	assert_false(resolvconf_has_servers(""));
	assert_false(resolvconf_has_servers("nameserver 127.0.0.53\nnameserver ::1\nnameserver"));
	assert_false(resolvconf_has_servers("# nameserver 10.0.0.1\n"));
	assert_true(resolvconf_has_servers("nameserver 127.0.0.53\nnameserver 10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_has_the_hosts_or_what_is_wanted),
		cmocka_unit_test(servers_of_others_are_told_from_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
