/* SPDX-License-Identifier: Apache-2.0 */
#include "linktext.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static void links_are_target_and_alias(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *target, *alias;
	} cases[] = {
		{ "db", 0, "db", "db" },
		{ "db:sql", 0, "db", "sql" },
		{ "/db:/web/sql", 0, "db", "sql" },
		{ "/db", 0, "db", "db" },
		{ "", -EINVAL, NULL, NULL },
		{ ":", -EINVAL, NULL, NULL },
		{ "db:", -EINVAL, NULL, NULL },
		{ ":sql", -EINVAL, NULL, NULL },
		{ "/", -EINVAL, NULL, NULL },
		{ "/db:/web/", -EINVAL, NULL, NULL },
		{ "a:b:c", -EINVAL, NULL, NULL },
		{ "db:s ql", -EINVAL, NULL, NULL },
		{ "db:sql\n10.0.0.1 bank", -EINVAL, NULL, NULL },
		{ "db:#", -EINVAL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct linktext link = { "", "" };

		assert_int_equal(linktext_parse(cases[i].text, &link), cases[i].r);
		if (cases[i].r < 0)
			continue;
		assert_string_equal(link.target, cases[i].target);
		assert_string_equal(link.alias, cases[i].alias);
	}
}

static void long_words_are_none(void **state)
{
	char word[LINKTEXT_MAX + 1];

	(void)state;
	memset(word, 'a', sizeof(word));
	word[LINKTEXT_MAX] = '\0';
	assert_false(linktext_is_word(word));
	word[LINKTEXT_MAX - 1] = '\0';
	assert_true(linktext_is_word(word));
	assert_true(linktext_is_word("b\xc3\xbc"
				     "cher"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_target_and_alias),
		cmocka_unit_test(long_words_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
