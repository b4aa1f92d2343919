/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include "base_test.h"
#include "mem.h"
#include "sha256block.h"
#include "str.h"

/* Of FIPS 180-4's examples, and lengths around the ends of a block. */
static const struct {
	const char *text;
	size_t n;
	const char *digest;
} cases[] = {
	{ "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 55,
	  "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 64,
	  "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
};

static void known_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char digest[65];

		sha256_hex(cases[i].text, cases[i].n, digest);
		assert_string_equal(digest, cases[i].digest);
	}
}

/* What an empty layer's tar has for a diff id. */
static void two_blocks_of_zeros(void **state)
{
	static const char zeros[1024];
	char digest[65];

	(void)state;
	sha256_hex(zeros, sizeof(zeros), digest);
	assert_string_equal(digest,
			    "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
}

/* However it is cut. */
static void pieces(void **state)
{
	unsigned char data[3 * SHA256_BLOCK + 7], digest[SHA256_BYTES];
	char whole[65], hex[65];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	sha256_hex(data, sizeof(data), whole);
	for (size_t piece = 1; piece <= sizeof(data); piece++) {
		struct sha256 s;

		sha256_init(&s);
		for (size_t at = 0; at < sizeof(data); at += piece)
			sha256_add(&s, data + at,
				   sizeof(data) - at < piece ? sizeof(data) - at : piece);
		sha256_end(&s, digest);
		str_hex(digest, sizeof(digest), hex);
		assert_string_equal(hex, whole);
	}
}

static void fast_and_plain_are_the_same(void **state)
{
	uint32_t fast[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, plain[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	unsigned char data[50 * SHA256_BLOCK];
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
	if (!sha256_compress_fast(fast, data, sizeof(data) / SHA256_BLOCK))
		skip();
	sha256_compress_plain(plain, data, sizeof(data) / SHA256_BLOCK);
	assert_memory_equal(fast, plain, sizeof(fast));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests),
		cmocka_unit_test(two_blocks_of_zeros),
		cmocka_unit_test(pieces),
		cmocka_unit_test(fast_and_plain_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
