/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "call.h"

static void test_phases(void **state)
{
	static const struct {
		enum call_event events[4];
		size_t n;
		int r; /* of the last */
		enum call_phase end;
	} cases[] = {
		{ { CALL_RECV_END, CALL_SEND_DATA, CALL_STATUS }, 3, 0, CALL_DONE },
		{ { CALL_SEND_END, CALL_RECV_DATA, CALL_RECV_END, CALL_STATUS }, 4, 0, CALL_DONE },
		{ { CALL_RECV_END, CALL_RECV_DATA }, 2, -EPROTO, CALL_HALF_REMOTE },
		{ { CALL_RECV_END, CALL_RECV_END }, 2, -EPROTO, CALL_HALF_REMOTE },
		{ { CALL_SEND_END, CALL_SEND_DATA }, 2, -EPROTO, CALL_HALF_LOCAL },
		{ { CALL_STATUS, CALL_RECV_DATA }, 2, -EALREADY, CALL_DONE },
		{ { CALL_STATUS, CALL_STATUS }, 2, -EALREADY, CALL_DONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct call c;
		int r = 0;

		call_init(&c, 10, 10);
		for (size_t e = 0; e < cases[i].n; e++)
			r = call_step(&c, cases[i].events[e]);
		assert_int_equal(r, cases[i].r);
		assert_int_equal(c.phase, cases[i].end);
		call_deinit(&c);
	}
}

static int put(struct call *c, size_t n, bool more)
{
	uint8_t *data = calloc(1, n + 1);
	int r = call_receive(c, &data, n, more, true);

	free(data);
	return r;
}

static size_t take(struct call *c)
{
	struct call_message *m = call_take(c);
	size_t n = m ? m->size : SIZE_MAX;

	call_message_free(m);
	return n;
}

static void test_windows(void **state)
{
	struct call c;
	bool whole;

	(void)state;
	call_init(&c, 100, 100);
	assert_int_equal(put(&c, 60, false), 0);
	assert_int_equal(put(&c, 41, false), -ENOBUFS);
	assert_int_equal(put(&c, 40, false), 0);
	assert_int_equal(call_credit(&c), 0); /* arrived, not consumed */
	assert_int_equal(take(&c), 60);
	assert_int_equal(call_credit(&c), 60);
	assert_int_equal(take(&c), 40);
	assert_int_equal(call_credit(&c), 0); /* less than half */
	assert_int_equal(call_chunk(&c, 30, &whole), 30);
	assert_true(whole);
	assert_int_equal(call_chunk(&c, 300, &whole), 100);
	assert_false(whole);
	c.send_window = 0;
	assert_int_equal(call_chunk(&c, 1, &whole), 0);
	assert_false(whole);
	assert_int_equal(call_chunk(&c, 0, &whole), 0);
	assert_true(whole);
	call_deinit(&c);
}

/* A message of ten windows arrives in parts; what was granted early is not granted again. */
static void test_parts(void **state)
{
	struct call c;
	size_t granted = 0;

	(void)state;
	call_init(&c, 100, 100);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(put(&c, 50, i < 19), 0);
		granted += call_credit(&c);
	}
	assert_int_equal(take(&c), 1000);
	granted += call_credit(&c);
	assert_int_equal(c.buffered, 0);
	assert_int_equal(c.recv_window + (int64_t)c.uncredited, 100);
	assert_int_equal(granted + c.uncredited, 1000);

	/* Behind a message nobody takes, parts earn nothing. */
	call_deinit(&c);
	call_init(&c, 100, 100);
	assert_int_equal(put(&c, 10, false), 0);
	assert_int_equal(put(&c, 90, true), 0);
	assert_int_equal(call_credit(&c), 0);
	assert_int_equal(put(&c, 1, true), -ENOBUFS);
	call_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
