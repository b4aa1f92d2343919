/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsnames.h"

#include <string.h>
#include <sys/socket.h>

#include "base_test.h"

static const char names[] = "# of a network\n"
			    "10.0.0.2\tweb1 web 0123456789ab\n"
			    "10.0.0.3 web2 web\n"
			    "fd00::2 web1 web # web3\n"
			    "\n"
			    "10.0.0.4\n"
			    "junk web\n"
			    "10.0.0.5 last";

static size_t count(const char *name, int family, bool known)
{
	struct dns_found found = { 0 };

	dnsnames_find(names, sizeof(names) - 1, name, family, &found);
	assert_int_equal(found.known, known);
	return found.n;
}

static void names_have_addresses(void **state)
{
	static const struct dns_address last = { AF_INET, { 10, 0, 0, 5 } };
	struct dns_found found = { 0 };

	(void)state;
	assert_int_equal(count("web", AF_INET, true), 2);
	assert_int_equal(count("WEB", AF_INET, true), 2);
	assert_int_equal(count("web", AF_INET6, true), 1);
	assert_int_equal(count("web2", AF_INET6, true), 0);
	assert_int_equal(count("web3", AF_INET, false), 0);
	assert_int_equal(count("we", AF_INET, false), 0);
	assert_int_equal(count("", AF_INET, false), 0);
	assert_int_equal(count("10.0.0.2", AF_INET, false), 0);
	dnsnames_find(names, sizeof(names) - 1, "last", AF_INET, &found);
	assert_memory_equal(&found.addresses[0], &last, sizeof(last));
}

static void addresses_have_names(void **state)
{
	static const struct dns_address v6 = { AF_INET6, { 0xfd, [15] = 2 } };
	static const struct dns_address nameless = { AF_INET, { 10, 0, 0, 4 } };
	char name[DNS_NAME_MAX];

	(void)state;
	assert_true(dnsnames_of(names, sizeof(names) - 1, &v6, name));
	assert_string_equal(name, "web1");
	assert_false(dnsnames_of(names, sizeof(names) - 1, &nameless, name));
	assert_false(dnsnames_of(NULL, 0, &v6, name));
}

static void more_than_fit_are_left_out(void **state)
{
	char text[DNS_ADDRESSES_MAX * 16 * 2] = "";
	struct dns_found found = { 0 };

	(void)state;
	for (size_t n = 0; n + 16 < sizeof(text); n += strlen(text + n))
		strcpy(text + n, "10.0.0.2 web\n");
	dnsnames_find(text, strlen(text), "web", AF_INET, &found);
	assert_int_equal(found.n, DNS_ADDRESSES_MAX);
}

static void servers_of_the_host(void **state)
{
	static const char text[] =
		"search example\nnameserver 127.0.0.53\n;nameserver 1.1.1.1\n"
		"nameserver fe80::1%eth0\n nameserver\tfd00::1 # here\nnameserver x\noptions edns0";
	static const struct dns_address want[] = { { AF_INET, { 127, 0, 0, 53 } },
						   { AF_INET6, { 0xfd, [15] = 1 } } };
	struct dns_address servers[DNS_SERVERS_MAX];

	(void)state;
	assert_int_equal(dnsnames_servers(text, sizeof(text) - 1, servers), 2);
	assert_memory_equal(servers, want, sizeof(want));
	assert_int_equal(dnsnames_servers(NULL, 0, servers), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_addresses),
		cmocka_unit_test(addresses_have_names),
		cmocka_unit_test(more_than_fit_are_left_out),
		cmocka_unit_test(servers_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
