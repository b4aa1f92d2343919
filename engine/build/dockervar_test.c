/* SPDX-License-Identifier: Apache-2.0 */
/* Variables, quotes and escapes: words against what they become with X=x, E= (empty), P=a/b/c.tar.gz,
 * S="one two", U not set. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "dockervar.h"

static const char *get(void *ctx, const char *name)
{
	static const char *const known[][2] = {
		{ "X", "x" },       { "E", "" },   { "P", "a/b/c.tar.gz" },
		{ "S", "one two" }, { "X1", "y" },
	};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i][0], name) == 0)
			return known[i][1];
	return NULL;
}

static const struct {
	const char *text, *becomes;
} cases[] = {
	{ "a", "a" },
	{ "$X", "x" },
	{ "$X1", "y" },
	{ "${X}1", "x1" },
	{ "$X-$U-${U}", "x--" },
	{ "a$", "a$" },
	{ "$ a", "$ a" },
	{ "\\$X", "$X" },
	{ "'$X'", "$X" },
	{ "\"$X\"", "x" },
	{ "\"\\$X \\a \\\\\"", "$X \\a \\" },
	{ "'a'\\''b'", "a'b" },
	{ "a\\ b", "a b" },
	{ "${U:-w}", "w" },
	{ "${E:-w}", "w" },
	{ "${E-w}", "" },
	{ "${U-w}", "w" },
	{ "${X:-w}", "x" },
	{ "${X:+w}", "w" },
	{ "${E:+w}", "" },
	{ "${E+w}", "w" },
	{ "${U+w}", "" },
	{ "${U:-$X}", "x" },
	{ "${U:-${U:-deep}}", "deep" },
	{ "${U:-'a }b'}", "a }b" },
	{ "${X:?e}", "x" },
	{ "${E?e}", "" },
	{ "${P#*/}", "b/c.tar.gz" },
	{ "${P##*/}", "c.tar.gz" },
	{ "${P%.*}", "a/b/c.tar" },
	{ "${P%%.*}", "a/b/c" },
	{ "${P#x}", "a/b/c.tar.gz" },
	{ "${P/\\//-}", "a-b/c.tar.gz" },
	{ "${P//\\//-}", "a-b-c.tar.gz" },
	{ "${P//b/}", "a//c.tar.gz" },
	{ "${P/?.tar/X}", "a/b/X.gz" },
	{ "${U/a/b}", "" },
	{ "$1$@", "" },
};

static void words(void **state)
{
	const struct dockervar vars = { '\\', get, NULL, false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *out = NULL;
		struct err err = ERR_NULL;

		if (dockervar_word(&vars, cases[i].text, &out, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.message);
		if (strcmp(out, cases[i].becomes) != 0)
			fail_msg("%s became %s", cases[i].text, out);
	}
}

static void refuses(void **state)
{
	static const char *const bad[][2] = {
		{ "${", "syntax error: missing '}'" },
		{ "${X", "syntax error: missing '}'" },
		{ "${}", "syntax error: bad substitution" },
		{ "${:}", "syntax error: bad substitution" },
		{ "${X:", "syntax error: missing '}'" },
		{ "${X:-w", "syntax error: missing '}'" },
		{ "${X:=w}", "unsupported modifier (:=) in substitution" },
		{ "${X^}", "unsupported modifier (^) in substitution" },
		{ "${X:#w}", "unsupported modifier (:#) in substitution" },
		{ "${U:?}", "U: is not allowed to be unset" },
		{ "${E:?}", "E: is not allowed to be empty" },
		{ "${U?gone}", "U: gone" },
		{ "'a", "unexpected end of statement while looking for matching single-quote" },
		{ "\"a", "unexpected end of statement while looking for matching double-quote" },
	};
	const struct dockervar vars = { '\\', get, NULL, false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *out = NULL;
		struct err err = ERR_NULL;

		assert_int_equal(dockervar_word(&vars, bad[i][0], &out, &err), -EINVAL);
		if (strncmp(err.message, bad[i][1], strlen(bad[i][1])) != 0)
			fail_msg("%s: %s", bad[i][0], err.message);
	}
}

static void splits(void **state)
{
	const struct dockervar vars = { '\\', get, NULL, false };
	cleanup(strings_deinit) struct strings out = { 0 };

	(void)state;
	assert_int_equal(dockervar_words(&vars, " $S \"$S\" a\\ b $U ${U:-$S}", &out, NULL), 0);
	assert_int_equal(out.n, 6);
	assert_string_equal(out.v[0], "one");
	assert_string_equal(out.v[1], "two");
	assert_string_equal(out.v[2], "one two");
	assert_string_equal(out.v[3], "a b");
}

static void heredocs_keep_quotes(void **state)
{
	const struct dockervar vars = { '`', get, NULL, true };
	cleanup_free char *out = NULL;

	(void)state;
	assert_int_equal(dockervar_word(&vars, "'$X' \"`$X\" \\n", &out, NULL), 0);
	assert_string_equal(out, "'x' \"$X\" \\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words), cmocka_unit_test(refuses),
					    cmocka_unit_test(splits),
					    cmocka_unit_test(heredocs_keep_quotes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
