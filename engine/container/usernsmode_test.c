/* SPDX-License-Identifier: Apache-2.0 */
#include "usernsmode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_modes(void **state)
{
	static const struct {
		const char *mode;
		int r;
		uint32_t size;
	} cases[] = {
		{ "", 0, 0 },
		{ "host", 0, 0 },
		{ "auto", 0, 65536 },
		{ "auto:size=1024", 0, 1024 },
		{ "auto:size=16777216", 0, 1 << 24 },
		{ "auto:size=1023", -EINVAL, 0 },
		{ "auto:size=16777217", -EINVAL, 0 },
		{ "auto:size=", -EINVAL, 0 },
		{ "auto:size=4k", -EINVAL, 0 },
		{ "auto:", -EINVAL, 0 },
		{ "automatic", -EINVAL, 0 },
		{ "elsewhere", -EINVAL, 0 },
		{ "keep-id", -ENOSYS, 0 },
		{ "container:x", -ENOSYS, 0 },
		{ "auto:uidmapping=0:1:2", -ENOSYS, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_NULL;
		uint32_t size = 1;
		int r = usernsmode_parse(cases[i].mode, &size, &err);

		if (cases[i].r == -ENOSYS)
			assert_int_equal(err.code, ERR_UNIMPLEMENTED);
		else
			assert_int_equal(r, cases[i].r);
		assert_int_equal(size, cases[i].size);
		assert_int_equal(r < 0, err.message[0] != '\0');
	}
}

static void test_ranges(void **state)
{
	static const struct {
		const char *text;
		uint32_t first, n;
	} cases[] = {
		{ "", 0, 0 },
		{ "cleat:100000:65536", 100000, 65536 },
		{ "root:1:2\ncleat:200000:7\ncleat:300000:8\n", 200000, 7 },
		{ "cleats:100000:65536\nxcleat:100000:65536\n", 0, 0 },
		{ "cleat:1000:65536\n", 0, 0 }, /* the host's own users */
		{ "cleat:4294967294:1\n", 4294967294, 1 },
		{ "cleat:4294967294:2\n", 0, 0 },
		{ "cleat:100000\ncleat::\ncleat:a:b\n", 0, 0 },
		{ "cleat", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct idrange range = { 0, 0 };
		int r = usernsmode_subid(cases[i].text, "cleat", &range);

		assert_int_equal(r, cases[i].n ? 0 : -ENOENT);
		assert_int_equal(range.first, cases[i].first);
		assert_int_equal(range.n, cases[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
