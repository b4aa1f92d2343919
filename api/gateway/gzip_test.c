/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base_test.h"
#include "gzip.h"

enum { LARGE = 300000 };

static void there_and_back(void **state)
{
	static char text[LARGE];
	const size_t sizes[] = { 0, 1, 1000, LARGE };

	(void)state;
	for (size_t i = 0; i < LARGE; i++)
		text[i] = (char)(i * i % 251);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		cleanup(buf_deinit) struct buf packed = BUF_NULL, back = BUF_NULL;

		assert_int_equal(gzip_compress(&packed, text, sizes[i]), 0);
		assert_int_equal(gzip_expand(&back, packed.data, packed.len), 0);
		assert_int_equal(back.len, sizes[i]);
		assert_memory_equal(back.data, text, sizes[i]);
	}
}

static void damage(void **state)
{
	cleanup(buf_deinit) struct buf packed = BUF_NULL, back = BUF_NULL;

	(void)state;
	assert_int_equal(gzip_compress(&packed, "some text", 9), 0);
	assert_int_equal(gzip_expand(&back, packed.data, packed.len - 1), -EBADMSG);
	assert_int_equal(gzip_expand(&back, "junk", 4), -EBADMSG);
	assert_int_equal(gzip_expand(&back, "", 0), -EBADMSG);
	buf_putc(&packed, 'x');
	assert_int_equal(gzip_expand(&back, packed.data, packed.len), -EBADMSG);
}

/* A thousand times what may come out. */
static void a_bomb(void **state)
{
	cleanup(buf_deinit) struct buf packed = BUF_NULL;
	cleanup(buf_deinit) struct buf back = { .max = 1000 };
	cleanup(buf_deinit) struct buf fits = { .max = LARGE + 1 };
	static const char zeros[LARGE];

	(void)state;
	assert_int_equal(gzip_compress(&packed, zeros, LARGE), 0);
	assert_int_equal(gzip_expand(&back, packed.data, packed.len), -EMSGSIZE);
	assert_true(back.len <= 1000);
	assert_int_equal(gzip_expand(&fits, packed.data, packed.len), 0);
}

/* What may come out may be filled to its last byte. */
static void exactly_the_maximum(void **state)
{
	const size_t sizes[] = { 1, 1000, 64 << 10, LARGE };
	static const char zeros[LARGE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		cleanup(buf_deinit) struct buf packed = BUF_NULL;
		cleanup(buf_deinit) struct buf fits = { .max = sizes[i] };
		cleanup(buf_deinit) struct buf shorter = { .max = sizes[i] - 1 };

		assert_int_equal(gzip_compress(&packed, zeros, sizes[i]), 0);
		assert_int_equal(gzip_expand(&fits, packed.data, packed.len), 0);
		assert_int_equal(fits.len, sizes[i]);
		if (shorter.max)
			assert_int_equal(gzip_expand(&shorter, packed.data, packed.len), -EMSGSIZE);
		packed.len--;
		fits.len = 0;
		assert_int_equal(gzip_expand(&fits, packed.data, packed.len), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(damage),
		cmocka_unit_test(a_bomb),
		cmocka_unit_test(exactly_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
