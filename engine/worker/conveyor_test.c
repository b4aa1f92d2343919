/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <string.h>

#include "conveyor.h"

struct sum {
	size_t bytes, blocks, fail_at;
	unsigned char next;
};

static int add(void *ctx, char *block, size_t n, struct err *err)
{
	struct sum *s = ctx;

	if (++s->blocks == s->fail_at)
		return err_set(err, ERR_EXHAUSTED, "full");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)block[i] != s->next++)
			return err_set(err, ERR_INTERNAL, "byte %zu is another", s->bytes + i);
	s->bytes += n;
	return 0;
}

/* Puts n bytes in pieces of at most `piece`; how many before it failed. */
static size_t put(struct conveyor *c, size_t n, size_t piece)
{
	size_t done = 0;

	while (done < n) {
		size_t room, take;
		char *at = conveyor_room(c, &room);

		if (!at)
			break;
		take = n - done < piece ? n - done : piece;
		take = take < room ? take : room;
		for (size_t i = 0; i < take; i++)
			at[i] = (char)(done + i);
		conveyor_put(c, take);
		done += take;
	}
	return done;
}

static void all_arrive_in_order(void **state)
{
	static const size_t sizes[] = { 0, 1, CONVEYOR_BLOCK, CONVEYOR_BLOCK + 1,
					20 * CONVEYOR_BLOCK - 3 };
	struct conveyor *c = NULL;

	(void)state;
	assert_int_equal(conveyor_new(&c, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct sum sum = { 0 };

		conveyor_begin(c, add, &sum);
		assert_int_equal(put(c, sizes[i], 300000), sizes[i]);
		assert_int_equal(conveyor_end(c, false, NULL), 0);
		assert_int_equal(sum.bytes, sizes[i]);
		assert_int_equal(sum.blocks, (sizes[i] + CONVEYOR_BLOCK - 1) / CONVEYOR_BLOCK);
	}
	conveyor_free(c);
}

static void a_failure_stops_it(void **state)
{
	struct conveyor *c = NULL;
	const size_t many = (size_t)100 * CONVEYOR_BLOCK;
	struct sum sum = { .fail_at = 3 };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(conveyor_new(&c, NULL), 0);
	conveyor_begin(c, add, &sum);
	assert_true(put(c, many, CONVEYOR_BLOCK) < many);
	assert_true(conveyor_end(c, false, &err) < 0);
	assert_string_equal(err.message, "full");
	/* and the next goes again */
	sum = (struct sum){ 0 };
	conveyor_begin(c, add, &sum);
	assert_int_equal(put(c, 5, 5), 5);
	assert_int_equal(conveyor_end(c, false, NULL), 0);
	conveyor_begin(c, add, &sum);
	assert_int_equal(put(c, 10, 5), 10);
	assert_int_equal(conveyor_end(c, true, NULL), -ECANCELED);
	assert_int_equal(sum.bytes, 5);
	conveyor_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_arrive_in_order),
					    cmocka_unit_test(a_failure_stops_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
