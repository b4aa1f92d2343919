/* SPDX-License-Identifier: Apache-2.0 */
#include "resend.h"

#include <string.h>

#include "base_test.h"

static void assert_next(const struct resend *resend, const char *text)
{
	const char *data = "";
	size_t n = resend_next(resend, &data);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(data, text, n);
}

static void nothing_is_sent_before_it_is_open(void **state)
{
	struct resend resend = RESEND_NULL;

	(void)state;
	assert_int_equal(resend_add(&resend, "abc", 3), 0);
	assert_next(&resend, "");
	resend_opened(&resend, true, 0);
	assert_next(&resend, "abc");
	resend_sent(&resend, 3);
	assert_next(&resend, "");
	resend_deinit(&resend);
}

static void what_was_not_taken_is_sent_again(void **state)
{
	struct resend resend = RESEND_NULL;

	(void)state;
	resend_opened(&resend, true, 0);
	assert_int_equal(resend_add(&resend, "abcdef", 6), 0);
	resend_sent(&resend, 6);
	resend_taken(&resend, 2);
	assert_int_equal(resend.from, 2);
	resend_broken(&resend);
	assert_int_equal(resend_add(&resend, "gh", 2), 0);
	assert_next(&resend, "");
	resend_opened(&resend, true, 4); /* two more than were told */
	assert_next(&resend, "efgh");
	resend_sent(&resend, 4);
	resend_taken(&resend, 8);
	assert_int_equal(resend.kept.len, 0);
	assert_int_equal(resend.from, 8);
	resend_deinit(&resend);
}

static void counts_that_cannot_be_do_no_harm(void **state)
{
	struct resend resend = RESEND_NULL;

	(void)state;
	resend_opened(&resend, true, 7);
	assert_int_equal(resend_add(&resend, "abc", 3), 0);
	resend_sent(&resend, 3);
	resend_taken(&resend, UINT64_MAX);
	assert_int_equal(resend.from, 3);
	resend_taken(&resend, 1);
	assert_int_equal(resend.from, 3);
	assert_next(&resend, "");
	resend_deinit(&resend);
}

static void who_does_not_count_gets_nothing_twice(void **state)
{
	struct resend resend = RESEND_NULL;

	(void)state;
	resend_opened(&resend, false, 0);
	assert_int_equal(resend_add(&resend, "abc", 3), 0);
	resend_sent(&resend, 2);
	assert_next(&resend, "c");
	resend_broken(&resend);
	resend_opened(&resend, false, 0);
	assert_next(&resend, "c");
	/* one of another version counts, and begins where it was told to */
	assert_int_equal(resend.from, 2);
	resend_opened(&resend, true, 2);
	assert_next(&resend, "c");
	resend_deinit(&resend);
}

static void it_does_not_grow_for_ever(void **state)
{
	static const char zeros[RESEND_MAX];
	struct resend resend = RESEND_NULL;

	(void)state;
	resend_opened(&resend, true, 0);
	assert_int_equal(resend_add(&resend, zeros, sizeof(zeros) - 1), 0);
	assert_false(resend_full(&resend));
	assert_int_equal(resend_add(&resend, zeros, 1), 0);
	resend_sent(&resend, sizeof(zeros));
	assert_true(resend_full(&resend));
	resend_taken(&resend, 1);
	assert_false(resend_full(&resend));
	resend_deinit(&resend);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_before_it_is_open),
		cmocka_unit_test(what_was_not_taken_is_sent_again),
		cmocka_unit_test(counts_that_cannot_be_do_no_harm),
		cmocka_unit_test(who_does_not_count_gets_nothing_twice),
		cmocka_unit_test(it_does_not_grow_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
