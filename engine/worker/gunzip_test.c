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

#include "gunzip.h"

#define HELLO \
	"\037\213\010\0\0\0\0\0\002\377\313\110\315\311\311\327\121\0\0\231\126\352\021\007\0\0\0"
#define WORLD "\037\213\010\0\0\0\0\0\002\377\053\317\057\312\111\001\0\103\021\167\072\005\0\0\0"

enum { HELLO_LEN = 27, WORLD_LEN = 25 };

/* All of `in`, `piece` bytes at a time into `room` bytes at a time: -errno, or whether it may end there. */
static int unpack(const char *in, size_t n, size_t piece, size_t room, char out[64])
{
	struct gunzip *g = gunzip_new();
	size_t done = 0;
	int r = 0;

	assert_non_null(g);
	for (size_t at = 0; r == 0 && at < n; at += piece) {
		const void *from = in + at;
		size_t left = n - at < piece ? n - at : piece, got = room;

		while (r == 0 && (left || got == room) && !gunzip_ended(g)) {
			assert_true(done + room <= 64);
			got = room;
			r = gunzip(g, &from, &left, out + done, &got);
			done += got;
			if (got == 0 && left == 0)
				break;
		}
	}
	out[done] = '\0';
	r = r ? r : gunzip_complete(g);
	gunzip_free(g);
	return r;
}

static void members(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 26, 27, 28, 100 };
	static const char both[] = HELLO WORLD "and no gzip";
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		assert_int_equal(unpack(both, HELLO_LEN, pieces[i], 5, out), 1);
		assert_string_equal(out, "hello, ");
		assert_int_equal(unpack(both, HELLO_LEN + WORLD_LEN, pieces[i], 1, out), 1);
		assert_string_equal(out, "hello, world");
		assert_int_equal(unpack(both, sizeof(both), pieces[i], 20, out), 1);
		assert_string_equal(out, "hello, world");
	}
}

static void cut(void **state)
{
	static const char both[] = HELLO WORLD;
	char out[64];

	(void)state;
	for (size_t n = 0; n < HELLO_LEN + WORLD_LEN; n++)
		assert_int_equal(unpack(both, n, 100, 20, out), n == HELLO_LEN);
}

static void damaged(void **state)
{
	char bytes[] = HELLO WORLD, out[64];

	(void)state;
	bytes[HELLO_LEN - 6] ^= 1; /* the checksum */
	assert_int_equal(unpack(bytes, HELLO_LEN, 100, 20, out), -EBADMSG);
	assert_int_equal(unpack("not gzip", 8, 100, 20, out), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(members), cmocka_unit_test(cut),
					    cmocka_unit_test(damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
