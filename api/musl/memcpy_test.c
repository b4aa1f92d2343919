/* SPDX-License-Identifier: Apache-2.0 */
#include "base_test.h"

#include <string.h>

void *__wrap_memcpy(void *restrict to, const void *restrict from, size_t n);

enum { MAX = 200, GUARD = 8 };

static void every_length_and_alignment(void **state)
{
	unsigned char from[MAX + GUARD], to[MAX + 3 * GUARD];

	(void)state;
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i * 7 + 1);
	for (size_t n = 0; n < MAX; n++)
		for (size_t shift = 0; shift < GUARD; shift++) {
			unsigned char *at = to + GUARD + shift;

			memset(to, 0, sizeof(to));
			assert_ptr_equal(__wrap_memcpy(at, from + (n + shift) % GUARD, n), at);
			assert_memory_equal(at, from + (n + shift) % GUARD, n);
			for (size_t i = 0; i < GUARD; i++)
				assert_true(!at[-1 - (ptrdiff_t)i] && !at[n + i]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_length_and_alignment) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
