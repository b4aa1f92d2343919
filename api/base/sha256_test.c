/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include "base_test.h"
#include "mem.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests),
		cmocka_unit_test(two_blocks_of_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
