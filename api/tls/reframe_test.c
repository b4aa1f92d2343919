/* SPDX-License-Identifier: Apache-2.0 */
#include "reframe.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static const uint8_t tcp[] = "\0SP\0\0\x10\0\0"
			     "\0\0\0\0\0\0\0\3abc"
			     "\0\0\0\0\0\0\0\0"
			     "\0\0\0\0\0\0\0\1x";
static const uint8_t ipc[] = "\0SP\0\0\x10\0\0"
			     "\1\0\0\0\0\0\0\0\3abc"
			     "\1\0\0\0\0\0\0\0\0"
			     "\1\0\0\0\0\0\0\0\1x";

static void check(int direction, const uint8_t *in, size_t n, const uint8_t *want, size_t n_want)
{
	for (size_t piece = 1; piece <= n; piece++) {
		struct reframe state = { .direction = direction };
		uint8_t out[256];
		size_t len = 0;

		for (size_t at = 0; at < n; at += piece) {
			size_t part = n - at < piece ? n - at : piece;
			ptrdiff_t r = reframe(&state, in + at, part, out + len);

			assert_true(r >= 0 && (size_t)r <= 2 * part);
			len += (size_t)r;
		}
		assert_int_equal(len, n_want);
		assert_memory_equal(out, want, n_want);
	}
}

static void both_ways_however_cut(void **state)
{
	(void)state;
	check(REFRAME_TO_IPC, tcp, sizeof(tcp) - 1, ipc, sizeof(ipc) - 1);
	check(REFRAME_TO_TCP, ipc, sizeof(ipc) - 1, tcp, sizeof(tcp) - 1);
}

static void a_wrong_mark_is_an_error(void **state)
{
	struct reframe frames = { .direction = REFRAME_TO_TCP };
	uint8_t out[64];

	(void)state;
	assert_int_equal(reframe(&frames, (const uint8_t *)"\0SP\0\0\x10\0\0\2", 9, out), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_however_cut),
		cmocka_unit_test(a_wrong_mark_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
