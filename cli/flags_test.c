/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_test.h"

static const struct flag table[] = {
	{ "all", 'a', FLAG_SWITCH, NULL, "" },
	{ "quiet", 'q', FLAG_SWITCH, NULL, "" },
	{ "name", 'n', FLAG_TEXT, "string", "" },
	{ "env", 'e', FLAG_LIST, "list", "" },
	{ 0 },
};

static int parse(struct flags *f, const char *line, bool early, struct err *err)
{
	static char copy[256];
	static char *argv[16];
	char *rest = copy, *word;
	size_t argc = 0;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	*f = (struct flags){ 0 };
	return flags_parse(f, table, argc, argv, early, err);
}

static void all_forms_are_read(void **state)
{
	static const char *const lines[] = { "-aq --name x y", "-q -a -nx y",
					     "--all --quiet --name=x y", "-aqn x y",
					     "--all=true --quiet -n x -- y" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct flags f;

		print_message("%s\n", lines[i]);
		assert_int_equal(parse(&f, lines[i], false, NULL), 0);
		assert_true(flags_switch(&f, "all") && flags_switch(&f, "quiet"));
		assert_string_equal(flags_text(&f, "name"), "x");
		assert_int_equal(f.n_args, 1);
		assert_string_equal(f.args[0], "y");
		flags_deinit(&f);
	}
}

static void lists_keep_their_order_and_the_last_text_counts(void **state)
{
	struct flags f;

	(void)state;
	assert_int_equal(parse(&f, "-e a --env=b -n one --env c --name two", false, NULL), 0);
	assert_string_equal(flags_nth(&f, "env", 0), "a");
	assert_string_equal(flags_nth(&f, "env", 1), "b");
	assert_string_equal(flags_nth(&f, "env", 2), "c");
	assert_null(flags_nth(&f, "env", 3));
	assert_string_equal(flags_text(&f, "name"), "two");
	flags_deinit(&f);
}

static void a_switch_can_be_off(void **state)
{
	struct flags f;

	(void)state;
	assert_int_equal(parse(&f, "--all=false", false, NULL), 0);
	assert_false(flags_switch(&f, "all"));
	assert_true(flags_given(&f, "all"));
	assert_false(flags_given(&f, "quiet"));
	flags_deinit(&f);
}

static void the_command_of_a_container_is_left_alone(void **state)
{
	struct flags f;

	(void)state;
	assert_int_equal(parse(&f, "-a image ls -q --name", true, NULL), 0);
	assert_int_equal(f.n_args, 4);
	assert_false(flags_switch(&f, "quiet"));
	flags_deinit(&f);
}

static void wrong_flags_are_named(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "--nothing", "--nothing" }, { "-x", "-x" },
		{ "--name", "--name" },       { "-n", "-n" },
		{ "--all=maybe", "all" },     { "-ax", "in -ax" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_NULL;
		struct flags f;

		assert_true(parse(&f, cases[i].line, false, &err) < 0);
		print_message("%s: %s\n", cases[i].line, err.message);
		assert_non_null(strstr(err.message, cases[i].text));
		flags_deinit(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms_are_read),
		cmocka_unit_test(lists_keep_their_order_and_the_last_text_counts),
		cmocka_unit_test(a_switch_can_be_off),
		cmocka_unit_test(the_command_of_a_container_is_left_alone),
		cmocka_unit_test(wrong_flags_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
