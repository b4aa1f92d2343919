/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include <string.h>

#include "sha256block.h"
#include "str.h"

enum { BLOCK = SHA256_BLOCK, ROUNDS = 64 };

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const uint32_t sha256_constants[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t turn(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void schedule(const unsigned char *block, uint32_t w[ROUNDS])
{
	for (int i = 0; i < 16; i++, block += 4)
		w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 |
		       (uint32_t)block[2] << 8 | block[3];
	for (int i = 16; i < ROUNDS; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
}

/* One round; the names of the state's words move on instead of the words. */
static inline void turn_round(uint32_t s[8], unsigned i, uint32_t added)
{
	uint32_t a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7], e = s[(4 - i) & 7],
		 f = s[(5 - i) & 7], g = s[(6 - i) & 7], *d = &s[(3 - i) & 7], *h = &s[(7 - i) & 7];
	uint32_t x = *h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (g ^ (e & (f ^ g))) + added;

	*d += x;
	*h = x + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) | (c & (a | b)));
}

static void compress_one(uint32_t state[8], const unsigned char *block)
{
	uint32_t w[ROUNDS], s[8];

	schedule(block, w);
	memcpy(s, state, sizeof(s));
	for (unsigned i = 0; i < ROUNDS; i += 8) {
		turn_round(s, 0, sha256_constants[i] + w[i]);
		turn_round(s, 1, sha256_constants[i + 1] + w[i + 1]);
		turn_round(s, 2, sha256_constants[i + 2] + w[i + 2]);
		turn_round(s, 3, sha256_constants[i + 3] + w[i + 3]);
		turn_round(s, 4, sha256_constants[i + 4] + w[i + 4]);
		turn_round(s, 5, sha256_constants[i + 5] + w[i + 5]);
		turn_round(s, 6, sha256_constants[i + 6] + w[i + 6]);
		turn_round(s, 7, sha256_constants[i + 7] + w[i + 7]);
	}
	for (int i = 0; i < 8; i++)
		state[i] += s[i];
}

void sha256_compress_plain(uint32_t state[8], const unsigned char *data, size_t blocks)
{
	for (; blocks > 0; blocks--, data += BLOCK)
		compress_one(state, data);
}

static void compress(uint32_t state[8], const unsigned char *data, size_t blocks)
{
	if (!sha256_compress_fast(state, data, blocks))
		sha256_compress_plain(state, data, blocks);
}

void sha256_init(struct sha256 *s)
{
	*s = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
					 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *s, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t held = s->n_bytes % BLOCK, part = n < BLOCK - held ? n : BLOCK - held;

	if (n == 0)
		return;
	s->n_bytes += n;
	if (held) {
		memcpy(s->held + held, p, part);
		p += part;
		n -= part;
		if (held + part < BLOCK)
			return;
		compress(s->state, s->held, 1);
	}
	compress(s->state, p, n / BLOCK);
	memcpy(s->held, p + n - n % BLOCK, n % BLOCK);
}

/* What is left, the bit 1, zeros, and the number of bits. */
void sha256_end(struct sha256 *s, unsigned char digest[SHA256_BYTES])
{
	unsigned char last[2 * BLOCK] = { 0 };
	size_t held = s->n_bytes % BLOCK, len = held + 9 > BLOCK ? 2 * BLOCK : BLOCK;

	memcpy(last, s->held, held);
	last[held] = 0x80;
	for (size_t i = 0; i < 8; i++)
		last[len - 1 - i] = (unsigned char)(s->n_bytes * 8 >> 8 * i);
	compress(s->state, last, len / BLOCK);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		digest[i] = (unsigned char)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_hex(const void *data, size_t n, char out[65])
{
	unsigned char digest[SHA256_BYTES];
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, data, n);
	sha256_end(&s, digest);
	str_hex(digest, sizeof(digest), out);
}
