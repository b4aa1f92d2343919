/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsmsg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base_test.h"

#define HEAD  "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define HEAD1 "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
#define WEB_A "\3wEb\0\0\1\0\1"
#define OPT   "\0\0\x29\x04\xd0\0\0\0\0\0\0"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static void a_question_is_read(void **state)
{
	struct dns_query query;

	(void)state;
	assert_int_equal(dns_parse(BYTES(HEAD WEB_A), &query), 0);
	assert_string_equal(query.name, "web");
	assert_int_equal(query.type, DNS_TYPE_A);
	assert_true(query.internet);
	assert_false(query.edns);
	assert_int_equal(query.question_end, sizeof(HEAD WEB_A) - 1);
	assert_int_equal(query.udp_max, DNS_UDP_MAX);
	assert_int_equal(dns_parse(BYTES(HEAD1 WEB_A OPT), &query), 0);
	assert_true(query.edns);
	assert_int_equal(query.udp_max, 1232);
	assert_int_equal(dns_parse(BYTES(HEAD "\1a\2b.\1\xff\0\0\1\0\1"), &query), 0);
	assert_string_equal(query.name, "a.b?.?");
}

static void what_is_no_question_is_told_apart(void **state)
{
	static const struct {
		const char *message;
		size_t n;
		int r;
	} cases[] = {
#define CASE(text, r) { text, sizeof(text) - 1, r }
		CASE("", -EBADMSG),
		CASE("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00", -EBADMSG),
		CASE("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" WEB_A,
		     -EBADMSG), /* a reply */
		CASE("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00" WEB_A,
		     -EOPNOTSUPP), /* an update */
		CASE(HEAD, -EINVAL),
		CASE(HEAD "\3we", -EINVAL),
		CASE(HEAD "\3web", -EINVAL),
		CASE(HEAD "\3web\0\0\1\0", -EINVAL),
		CASE(HEAD "\xc0\x0c\0\1\0\1", -EINVAL), /* a pointer to itself */
		CASE(HEAD "\x40" WEB_A, -EINVAL),
		CASE("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" WEB_A WEB_A, -EINVAL),
#undef CASE
	};
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(dns_parse((const uint8_t *)cases[i].message, cases[i].n, &query),
				 cases[i].r);
}

/* 253 characters are a name, one more is none. */
static void a_name_has_an_end(void **state)
{
	for (size_t last = 61; last <= 62; last++) {
		uint8_t message[DNS_QUERY_MAX] = HEAD;
		size_t n = DNS_HEADER;
		struct dns_query query;

		(void)state;
		for (int i = 0; i < 4; i++) {
			size_t label = i < 3 ? 63 : last;

			message[n++] = (uint8_t)label;
			memset(message + n, 'x', label);
			n += label;
		}
		memcpy(message + n, "\0\0\1\0\1", 5);
		assert_int_equal(dns_parse(message, n + 5, &query), last == 61 ? 0 : -EINVAL);
		if (last == 61)
			assert_int_equal(strlen(query.name), 253);
	}
}

static void addresses_are_told(void **state)
{
	static const struct dns_address addresses[] = {
		{ AF_INET, { 10, 0, 0, 1 } },
		{ AF_INET6, { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 } },
	};
	static const uint8_t want[] =
		"\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x01" WEB_A
		"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1"
		"\xc0\x0c\0\x1c\0\1\0\0\0\5\0\x10\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
		"\0\0\x29\x10\0\0\0\0\0\0\0";
	struct dns_answers answers = { .addresses = addresses, .n_addresses = 2 };
	uint8_t reply[DNS_UDP_MAX];
	struct dns_query query;

	(void)state;
	assert_int_equal(dns_parse(BYTES(HEAD1 WEB_A OPT), &query), 0);
	assert_int_equal(dns_reply((const uint8_t *)HEAD1 WEB_A OPT, &query, DNS_NOERROR, &answers,
				   reply, sizeof(reply)),
			 sizeof(want) - 1);
	assert_memory_equal(reply, want, sizeof(want) - 1);
}

static void a_name_is_told(void **state)
{
	static const uint8_t want[] = "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" WEB_A
				      "\xc0\x0c\0\x0c\0\1\0\0\0\5\0\x09\2db\4blue\0";
	uint8_t reply[DNS_UDP_MAX];
	struct dns_query query;

	(void)state;
	assert_int_equal(dns_parse(BYTES(HEAD WEB_A), &query), 0);
	assert_int_equal(dns_reply((const uint8_t *)HEAD WEB_A, &query, DNS_NOERROR,
				   &(struct dns_answers){ .name = "db.blue" }, reply,
				   sizeof(reply)),
			 sizeof(want) - 1);
	assert_memory_equal(reply, want, sizeof(want) - 1);
}

/* 512 bytes hold 30 addresses beside the question. */
static void what_does_not_fit_is_left_out(void **state)
{
	struct dns_address addresses[40] = { { .family = 0 } };
	struct dns_answers answers = { .addresses = addresses, .n_addresses = 40 };
	uint8_t reply[DNS_EDNS_MAX];
	struct dns_query query;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		addresses[i].family = AF_INET;
	assert_int_equal(dns_parse(BYTES(HEAD WEB_A), &query), 0);
	n = dns_reply((const uint8_t *)HEAD WEB_A, &query, DNS_NOERROR, &answers, reply,
		      query.udp_max);
	assert_int_equal(n, DNS_HEADER + 9 + 30 * 16);
	assert_int_equal(reply[2], 0x83);
	assert_int_equal(reply[7], 30);
	n = dns_reply((const uint8_t *)HEAD WEB_A, &query, DNS_NOERROR, &answers, reply,
		      sizeof(reply));
	assert_int_equal(n, DNS_HEADER + 9 + 40 * 16);
	assert_int_equal(reply[2], 0x81);
}

static void an_error_repeats_no_broken_question(void **state)
{
	static const uint8_t want[] = "\x12\x34\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00";
	uint8_t reply[DNS_UDP_MAX];
	struct dns_query query;

	(void)state;
	assert_int_equal(dns_parse(BYTES(HEAD "\3we"), &query), -EINVAL);
	assert_int_equal(
		dns_reply((const uint8_t *)HEAD, &query, DNS_FORMERR, NULL, reply, sizeof(reply)),
		DNS_HEADER);
	assert_memory_equal(reply, want, DNS_HEADER);
}

static void only_its_own_reply_is_one(void **state)
{
	struct dns_query query;
	uint8_t reply[DNS_UDP_MAX];
	const uint8_t *message = (const uint8_t *)HEAD WEB_A;
	size_t n;

	(void)state;
	assert_int_equal(dns_parse(BYTES(HEAD WEB_A), &query), 0);
	n = dns_reply(message, &query, DNS_NXDOMAIN, NULL, reply, sizeof(reply));
	assert_true(dns_is_reply(reply, n, message, &query));
	assert_int_equal(dns_reply_code(reply), DNS_NXDOMAIN);
	assert_false(dns_is_reply(reply, n - 1, message, &query));
	assert_false(dns_is_reply(message, sizeof(HEAD WEB_A) - 1, message, &query));
	reply[1] ^= 1;
	assert_false(dns_is_reply(reply, n, message, &query));
	reply[1] ^= 1;
	reply[n - 1] ^= 1;
	assert_false(dns_is_reply(reply, n, message, &query));
}

static void reverse_names(void **state)
{
	static const char *const bad[] = { "",
					   "in-addr.arpa",
					   "1.0.0.in-addr.arpa",
					   "1.0.0.256.in-addr.arpa",
					   "1.0.0.0010.in-addr.arpa",
					   "5.1.0.0.10.in-addr.arpa",
					   "1.0.0.10.in-addr.arpa.x",
					   "1.0.ip6.arpa",
					   "web" };
	static const struct dns_address v4 = { AF_INET, { 10, 0, 0, 1 } };
	static const struct dns_address v6 = { AF_INET6, { 0xfd, 0xab, [15] = 0x1f } };
	struct dns_address address;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(dns_reverse(bad[i], &address));
	assert_true(dns_reverse("1.0.0.10.in-addr.arpa", &address));
	assert_memory_equal(&address, &v4, sizeof(v4));
	assert_true(dns_reverse(
		"f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.a.d.f.ip6.arpa",
		&address));
	assert_memory_equal(&address, &v6, sizeof(v6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_read),
		cmocka_unit_test(what_is_no_question_is_told_apart),
		cmocka_unit_test(a_name_has_an_end),
		cmocka_unit_test(addresses_are_told),
		cmocka_unit_test(a_name_is_told),
		cmocka_unit_test(what_does_not_fit_is_left_out),
		cmocka_unit_test(an_error_repeats_no_broken_question),
		cmocka_unit_test(only_its_own_reply_is_one),
		cmocka_unit_test(reverse_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
