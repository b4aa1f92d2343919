/* SPDX-License-Identifier: Apache-2.0 */
#include "str.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static void integers(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "42", 0, 42 },
		{ "-42", 0, -42 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 0;

		assert_int_equal(str_i64(cases[i].text, &value), cases[i].r);
		assert_true(value == cases[i].value);
	}
}

static void bounded_integers(void **state)
{
	int64_t value = 7;

	(void)state;
	assert_int_equal(str_int_in("65536", 0, 65535, &value), -ERANGE);
	assert_int_equal(value, 7);
	assert_int_equal(str_int_in("65535", 0, 65535, &value), 0);
	assert_int_equal(value, 65535);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "512b", 0, 512 },
		{ "10k", 0, 10240 },
		{ "10KB", 0, 10240 },
		{ "20MiB", 0, 20971520 },
		{ "1.5g", 0, 1610612736 },
		{ "1 MB", 0, 1048576 },
		{ "8e", -ERANGE, 0 },
		{ "k", -EINVAL, 0 },
		{ "1.k", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },
		{ "1ib", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t bytes = 0;

		assert_int_equal(str_size_bytes(cases[i].text, &bytes), cases[i].r);
		assert_true(bytes == cases[i].bytes);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t ns;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1m30s", 0, INT64_C(90000000000) },
		{ "1.5s", 0, 1500000000 },
		{ "10ms", 0, 10000000 },
		{ "5ns", 0, 5 },
		{ "3us", 0, 3000 },
		{ "10", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1s1", -EINVAL, 0 },
		{ "9999999999h", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = 0;

		assert_int_equal(str_duration_ns(cases[i].text, &ns), cases[i].r);
		assert_true(ns == cases[i].ns);
	}
}

static void times(void **state)
{
	const int64_t second = 1000000000, now = 5000 * second;
	static const struct {
		const char *text;
		int r;
		int64_t ns;
	} cases[] = {
		{ "1700000000", 0, INT64_C(1700000000000000000) },
		{ "1700000000.25", 0, INT64_C(1700000000250000000) },
		{ "1970-01-01T00:00:01Z", 0, 1000000000 },
		{ "1970-01-01T01:00:01.000000005+01:00", 0, 1000000005 },
		{ "1970-01-02", 0, INT64_C(86400000000000) },
		{ "10m", 0, INT64_C(4400000000000) },
		{ "2026-02-30T00:00:00Z", -EINVAL, 0 },
		{ "2026-13-01", -EINVAL, 0 },
		{ "yesterday", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = 0;

		assert_int_equal(str_time_ns(cases[i].text, now, &ns), cases[i].r);
		assert_true(ns == cases[i].ns);
	}
}

static void times_of_until(void **state)
{
	static const char *const early[] = { "0", "1970-01-01", "1960-01-01T00:00:00Z", "5001s" };
	const int64_t now = INT64_C(5000000000000);
	int64_t ns = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(early); i++) {
		assert_int_equal(str_until_ns(early[i], now, &ns), 0);
		assert_true(ns == 1);
	}
	assert_int_equal(str_until_ns("10m", now, &ns), 0);
	assert_true(ns == INT64_C(4400000000000));
	assert_int_equal(str_until_ns("yesterday", now, &ns), -EINVAL);
}

static void formatted_times(void **state)
{
	char text[STR_TIME_MAX];

	(void)state;
	str_format_time(0, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	str_format_time(INT64_C(1700000000000000001), text);
	assert_string_equal(text, "2023-11-14T22:13:20.000000001Z");
	str_format_time(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999999Z");
}

static void names(void **state)
{
	char big[300];

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_true(str_is_name("web-1"));
	assert_true(str_is_name("a_b.c"));
	assert_false(str_is_name("a"));
	assert_false(str_is_name("-web"));
	assert_false(str_is_name("web/1"));
	assert_false(str_is_name(big));
	assert_true(str_is_id_prefix("0af"));
	assert_false(str_is_id_prefix(""));
	assert_false(str_is_id_prefix("0AF"));
	assert_false(str_is_digest("sha256:12"));
}

static void ids_differ(void **state)
{
	char a[65], b[65];

	(void)state;
	str_random_id(a);
	str_random_id(b);
	assert_true(str_is_id(a));
	assert_true(str_is_id(b));
	assert_string_not_equal(a, b);
}

static void paths(void **state)
{
	static const char *const cases[][3] = { { "/a", "b", "/a/b" },
						{ "/a/", "/b", "/a/b" },
						{ "/", "b", "/b" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *path = str_path(cases[i][0], cases[i][1]);

		assert_string_equal(path, cases[i][2]);
	}
}

static void hosts_and_ports(void **state)
{
	static const char *const bad[] = {
		"", "host", "host:", ":x", "host:65536", "h:-1", "h: 1"
	};
	static const struct {
		const char *text, *host, *port;
	} good[] = {
		{ "a.example:1", "a.example", "1" },
		{ ":2376", "", "2376" },
		{ "[::1]:65535", "::1", "65535" },
		{ "[x:0", "[x", "0" },
	};
	char *host, *port;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(str_split_host_port(bad[i], &host, &port), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(str_split_host_port(good[i].text, &host, &port), 0);
		assert_string_equal(host, good[i].host);
		assert_string_equal(port, good[i].port);
		free(host);
		free(port);
	}
}

static void utf8(void **state)
{
	char cut[] = "a\xc3\xa4\xe2\x82";

	(void)state;
	str_mend_utf8(cut);
	assert_string_equal(cut, "a\xc3\xa4??");
	assert_true(str_is_utf8(""));
	assert_true(str_is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
	assert_false(str_is_utf8("a\xff"));
	assert_false(str_is_utf8("\xc3"));
	assert_false(str_is_utf8("\xed\xa0\x80"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8),
		cmocka_unit_test(hosts_and_ports),
		cmocka_unit_test(integers),
		cmocka_unit_test(bounded_integers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(times),
		cmocka_unit_test(times_of_until),
		cmocka_unit_test(formatted_times),
		cmocka_unit_test(names),
		cmocka_unit_test(ids_differ),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
