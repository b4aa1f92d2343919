/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of str.h that know UTF-8: its forms as Unicode's table 3-7 has them. */
#include <string.h>

#include "str.h"

size_t str_utf8_len(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char lo, hi, second_lo, second_hi, len;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t len = forms[i].len;

		if (*p < forms[i].lo || *p > forms[i].hi)
			continue;
		if (n < len ||
		    (len > 1 && (p[1] < forms[i].second_lo || p[1] > forms[i].second_hi)))
			return 0;
		for (size_t k = 2; k < len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return len;
	}
	return 0;
}

bool str_is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
	size_t len = 1;

	for (; p < end && len; p += len)
		len = str_utf8_len(p, (size_t)(end - p));
	return len;
}

void str_mend_utf8(char *text)
{
	unsigned char *p = (unsigned char *)text, *end = p + strlen(text);

	while (p < end) {
		size_t len = str_utf8_len(p, (size_t)(end - p));

		if (len == 0)
			*p = '?';
		p += len ? len : 1;
	}
}
