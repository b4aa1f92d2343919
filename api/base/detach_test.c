/* SPDX-License-Identifier: Apache-2.0 */
#include "detach.h"

#include <string.h>

#include "base_test.h"
#include "mem.h"

static void sequences_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int n; /* -1 = refused */
	} cases[] = {
		{ NULL, 2 },
		{ "", 0 },
		{ "ctrl-a", 1 },
		{ "a,b,c", 3 },
		{ "ctrl-@,ctrl-[", 2 },
		{ "ctrl-1", -1 },
		{ "ab", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct detach d = { 0 };
		int r = detach_parse(&d, cases[i].text, NULL);

		print_message("%s\n", cases[i].text ? cases[i].text : "(default)");
		assert_int_equal(r < 0 ? -1 : (int)d.n_keys, cases[i].n);
	}
}

/* Feeds `in` one byte at a time; what comes out is in `out`. */
static bool feed(struct detach *d, const char *in, char *out)
{
	bool detached = false;

	for (; *in && !detached; in++) {
		uint8_t part[1 + DETACH_MAX];
		size_t n = 0;

		detached = detach_filter(d, (const uint8_t *)in, 1, part, &n);
		memcpy(out, part, n);
		out += n;
	}
	*out = '\0';
	return detached;
}

static void the_sequence_is_found_and_held_back(void **state)
{
	struct detach d = { 0 };
	char out[64];

	(void)state;
	assert_int_equal(detach_parse(&d, NULL, NULL), 0);
	assert_false(feed(&d, "ab\x10", out));
	assert_string_equal(out, "ab");
	assert_false(feed(&d, "c", out));
	assert_string_equal(out, "\x10"
				 "c");
	assert_true(feed(&d, "x\x10\x11y", out));
	assert_string_equal(out, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences_are_parsed),
		cmocka_unit_test(the_sequence_is_found_and_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
