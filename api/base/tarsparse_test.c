/* SPDX-License-Identifier: Apache-2.0 */
#include "tarsparse.h"

#include <errno.h>
#include <string.h>

#include "base_test.h"

static void chunks(void **state)
{
	static const struct {
		struct tar_piece pieces[2];
		size_t n;
		uint64_t size, chunks;
		unsigned int bits;
	} cases[] = {
		{ { { 0 } }, 0, 1, 1, 9 },
		{ { { 0 } }, 0, 513, 1, 10 },
		{ { { 0 } }, 0, UINT64_C(1) << 42, 4, 40 },
		{ { { .at = 4096, .len = 4096 } }, 1, 1 << 20, 256, 12 },
		{ { { .at = 512, .len = 3584 } }, 1, 8192, 16, 9 },
		{ { { .at = 0, .len = 700 } }, 1, 700, 1, 10 },
		{ { { .at = 8192, .len = 8192 }, { .at = 65536, .len = 5 } }, 2, 65541, 9, 13 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned int bits = 0;

		assert_int_equal(
			tarsparse_chunks(cases[i].pieces, cases[i].n, cases[i].size, &bits),
			cases[i].chunks);
		assert_int_equal(bits, cases[i].bits);
	}
}

static void lists(void **state)
{
	static const struct {
		const char *text;
		int r;
		size_t n;
	} cases[] = {
		{ "0,5", 0, 1 },
		{ "0,5,512,", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ ",", -EINVAL, 0 },
		{ "1,,2", -EINVAL, 0 },
		{ "-1,2", -EINVAL, 0 },
		{ "0,5,512", 0, 2 }, /* half: tarsparse_finish() refuses it */
		{ "99999999999999999999,1", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tarsparse s = { 0 };

		assert_int_equal(tarsparse_list(&s, cases[i].text), cases[i].r);
		if (cases[i].r == 0)
			assert_int_equal(s.n, cases[i].n);
		if (s.half)
			assert_int_equal(tarsparse_finish(&s, 1 << 20, 5, 0), -EINVAL);
		tarsparse_deinit(&s);
	}
}

static void limits(void **state)
{
	struct tarsparse s = { 0 };
	char block[TAR_BLOCK] = "70000\n";

	(void)state;
	assert_int_equal(tarsparse_block(&s, (const unsigned char *)block), -E2BIG);
	tarsparse_deinit(&s);
	for (int64_t i = 0; i < TARSPARSE_PIECES_MAX * 2; i++)
		assert_int_equal(tarsparse_add(&s, i / 2 * 512), 0);
	assert_int_equal(tarsparse_add(&s, 0), -E2BIG);
	tarsparse_deinit(&s);
	assert_int_equal(tarsparse_list(&s, "512,512"), 0);
	assert_int_equal(tarsparse_finish(&s, UINT64_C(1) << 40, 512, 0), -ENOTSUP);
	assert_int_equal(tarsparse_finish(&s, TARSPARSE_SIZE_MAX + 1, 512, 0), -ENOTSUP);
	assert_int_equal(tarsparse_finish(&s, 4096, 512, 1024), 0);
	assert_int_equal(s.v[0].offset, 1024);
	tarsparse_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks),
		cmocka_unit_test(lists),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
