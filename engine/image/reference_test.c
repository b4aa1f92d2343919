/* SPDX-License-Identifier: Apache-2.0 */
/* References against Docker's rules, as a table. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "reference.h"

static const struct {
	const char *text, *full; /* NULL: refused */
} cases[] = {
	{ "busybox", "docker.io/library/busybox:latest" },
	{ "busybox:1.36", "docker.io/library/busybox:1.36" },
	{ "me/app", "docker.io/me/app:latest" },
	{ "localhost/app", "localhost/app:latest" },
	{ "reg.io:5000/a/b__c:x", "reg.io:5000/a/b__c:x" },
	{ "index.docker.io/busybox", "docker.io/library/busybox:latest" },
	{ "docker.io/busybox", "docker.io/library/busybox:latest" },
	{ "docker.io/library/busybox", "docker.io/library/busybox:latest" },
	{ "localhost:5000/x", "localhost:5000/x:latest" },
	{ "UPPER.example/x", "UPPER.example/x:latest" },
	{ "a.b/c.d_e--f:T_1.2-3", "a.b/c.d_e--f:T_1.2-3" },
	{ "[::1]:5000/x", "[::1]:5000/x:latest" },
	{ "Busybox", NULL },
	{ "a:.b", NULL },
	{ "a:b:c", NULL },
	{ "/a", NULL },
	{ "a/", NULL },
	{ "a b", NULL },
	{ "a._b", NULL },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	{ "", NULL },
	{ "a//b", NULL },
	{ "a:", NULL },
	{ "a___b", NULL },
	{ "-a", NULL },
	{ "a/../b", NULL },
	{ "a@sha256:12", NULL },
};

static void parses(void **state)
{
	char full[REFERENCE_MAX];
	struct reference ref;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = reference_parse(cases[i].text, &ref, NULL);

		assert_int_equal(r, cases[i].full ? 0 : -EINVAL);
		if (r < 0)
			continue;
		reference_full(&ref, full);
		assert_string_equal(full, cases[i].full);
	}
}

/* Each familiar name parses to the full name it came from. */
static void familiar(void **state)
{
	static const char *const pairs[][2] = {
		{ "docker.io/library/busybox:latest", "busybox:latest" },
		{ "docker.io/a/b:1", "a/b:1" },
		{ "docker.io/library/a/b:1", "library/a/b:1" },
		{ "docker.io/a.b/c:1", "docker.io/a.b/c:1" },
		{ "a.b/library/c:1", "a.b/library/c:1" },
	};
	char name[REFERENCE_MAX], full[REFERENCE_MAX];
	struct reference ref;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		reference_familiar(pairs[i][0], name);
		assert_string_equal(name, pairs[i][1]);
		assert_int_equal(reference_parse(name, &ref, NULL), 0);
		reference_full(&ref, full);
		assert_string_equal(full, pairs[i][0]);
	}
}

static void repository(void **state)
{
	static const char *const names[][2] = {
		{ "alpine:latest", "alpine" },
		{ "docker.io/library/alpine:3", "docker.io/library/alpine" },
		{ "localhost:5000/a/b", "localhost:5000/a/b" },
		{ "localhost:5000/a/b:1", "localhost:5000/a/b" },
		{ "a@sha256:0123", "a" },
		{ "host:1/a:2@sha256:0123", "host:1/a" },
		{ "", "" },
	};
	char out[REFERENCE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		reference_repository(names[i][0], out);
		assert_string_equal(out, names[i][1]);
	}
}

/* Found by the fuzzer: a path that fits alone must fit once "library/" and a tag have joined it. */
static void longest_names_parse_again(void **state)
{
	char text[REFERENCE_MAX], full[REFERENCE_MAX];
	struct reference ref, again;
	int accepted = 0;

	(void)state;
	for (size_t n = 240; n < 256; n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		if (reference_parse(text, &ref, NULL) < 0)
			continue;
		accepted++;
		reference_full(&ref, full);
		assert_int_equal(reference_parse(full, &again, NULL), 0);
		assert_string_equal(again.path, ref.path);
	}
	assert_int_equal(accepted, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(familiar),
		cmocka_unit_test(repository),
		cmocka_unit_test(longest_names_parse_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
