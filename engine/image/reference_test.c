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
	reference_familiar("docker.io/library/busybox:latest", full);
	assert_string_equal(full, "busybox:latest");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
