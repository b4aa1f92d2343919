/* SPDX-License-Identifier: Apache-2.0 */
#include "tarfield.h"

#include <errno.h>
#include <string.h>

enum { SUM_AT = 148, SUM_LEN = 8, NSEC_DIGITS = 9 };

/* Two's complement, the highest bit only a mark. */
static int base256(const unsigned char *f, size_t n, int64_t *value)
{
	bool negative = f[0] & 0x40;
	uint64_t v = negative ? ~UINT64_C(0) : 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = i ? f[i] : (unsigned char)(negative ? f[0] : f[0] & 0x7f);

		if (v >> 55 != (negative ? 0x1ff : 0))
			return -ERANGE;
		v = v << 8 | c;
	}
	*value = (int64_t)v;
	return 0;
}

int tarfield_number(const unsigned char *f, size_t n, int64_t *value)
{
	size_t i = 0;
	int64_t v = 0;

	if (f[0] & 0x80)
		return base256(f, n, value);
	while (i < n && f[i] == ' ')
		i++;
	for (; i < n && f[i] >= '0' && f[i] <= '7'; i++)
		v = v * 8 + (f[i] - '0');
	for (; i < n; i++)
		if (f[i] != ' ' && f[i] != '\0')
			return -EINVAL;
	*value = v;
	return 0;
}

bool tarfield_checksum(const unsigned char h[512])
{
	int64_t said = 0, is = (int64_t)SUM_LEN * ' ', is_signed = is;

	for (int i = 0; i < 512; i++) {
		bool own = i >= SUM_AT && i < SUM_AT + SUM_LEN;

		is += own ? 0 : h[i];
		is_signed += own ? 0 : (signed char)h[i];
	}
	return tarfield_number(h + SUM_AT, SUM_LEN, &said) == 0 &&
	       (said == is || said == is_signed);
}

/* Digits behind the point; more than nine are cut. */
static int fraction(const char *p, uint32_t *nsec)
{
	uint32_t v = 0;
	int n = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (n < NSEC_DIGITS) {
			v = v * 10 + (uint32_t)(*p - '0');
			n++;
		}
	for (; n < NSEC_DIGITS; n++)
		v *= 10;
	*nsec = v;
	return *p ? -EINVAL : 0;
}

int tarfield_time(const char *p, int64_t *sec, uint32_t *nsec)
{
	bool negative = *p == '-';
	const char *digits = p += negative;
	uint32_t part = 0;
	int64_t v = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (v > INT64_MAX / 10 - 10)
			return -ERANGE;
		v = v * 10 + (*p - '0');
	}
	if (p == digits || (*p && *p != '.') || (*p && fraction(p + 1, &part) < 0))
		return -EINVAL;
	*sec = negative ? -v - (part != 0) : v;
	*nsec = negative && part ? 1000000000 - part : part;
	return 0;
}

int tarfield_record(char **text, size_t *n, struct tarfield_record *out)
{
	char *p = *text, *end = p + *n, *equals;
	size_t len = 0;

	for (; p < end && *p >= '0' && *p <= '9' && len < *n; p++)
		len = len * 10 + (size_t)(*p - '0');
	if (p == *text || p == end || *p != ' ' || len > *n)
		return -EINVAL;
	end = *text + len;
	p++;
	equals = p < end ? memchr(p, '=', (size_t)(end - p)) : NULL;
	if (!equals || equals == p || end[-1] != '\n' || memchr(p, '\0', (size_t)(equals - p)))
		return -EINVAL;
	*equals = '\0';
	end[-1] = '\0';
	*out = (struct tarfield_record){ p, equals + 1, (size_t)(end - 1 - equals - 1) };
	*text = end;
	*n -= len;
	return 0;
}
