/* SPDX-License-Identifier: Apache-2.0 */
#include "hostsmerge.h"

#include "base_test.h"

static void changes_of_others_are_kept(void **state)
{
	static const struct {
		const char *old, *fresh, *out;
	} cases[] = {
		{ "", "", "" },
		{ "1 a\n", "1 a\n", "1 a\n" },
		{ "# note\n\n1 a\n9 mine", "1 a\n2\tb\n", "# note\n\n1 a\n9 mine\n2\tb\n" },
		/* another address takes the place of the one before */
		{ "1\tdb sql\n9 mine\n", "2\tdb sql\n", "9 mine\n2\tdb sql\n" },
		/* several lines of the same names: those that are still right stay */
		{ "1 me\n2 me\n9 mine\n", "1 me\n3 me\n", "1 me\n9 mine\n3 me\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(buf_deinit) struct buf out = BUF_NULL;
		cleanup_free char *text = NULL;

		hostsmerge(cases[i].old, cases[i].fresh, &out);
		text = buf_steal(&out);
		assert_string_equal(text, cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_of_others_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
