/* SPDX-License-Identifier: Apache-2.0 */
#include "envfile.h"

#include <string.h>

#include "base_test.h"
#include "buf.h"

static int collect(void *arg, const char *line, struct err *err)
{
	(void)err;
	buf_printf(arg, "<%s>", line);
	return 0;
}

static void lines_are_dockers(void **state)
{
	static const struct {
		const char *text, *out; /* NULL = refused */
	} cases[] = {
		{ "A=1\nB=2", "<A=1><B=2>" },
		{ "# no\n\n  A=1\r\n", "<A=1>" },
		{ "A\nB=\n", "<A><B=>" },
		{ "A=\"x y\"\n", "<A=\"x y\">" },
		{ "", "" },
		{ "=x\n", NULL },
		{ "A B=1\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf out = BUF_NULL;
		struct err err = ERR_NULL;
		int r = envfile_parse("file", cases[i].text, strlen(cases[i].text), collect, &out,
				      &err);

		assert_int_equal(r == 0, cases[i].out != NULL);
		if (cases[i].out)
			assert_string_equal(out.data ? out.data : "", cases[i].out);
		else
			assert_non_null(strstr(err.message, "file"));
	}
	assert_true(envfile_parse("file", "A=\0x", 4, collect, &(struct buf){ 0 }, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_are_dockers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
