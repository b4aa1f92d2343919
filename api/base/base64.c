/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = (uint32_t)p[i] << 16;

		three |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
		three |= i + 2 < n ? (uint32_t)p[i + 2] : 0;
		buf_putc(out, digits[three >> 18]);
		buf_putc(out, digits[(three >> 12) & 63]);
		buf_putc(out, i + 1 < n ? digits[(three >> 6) & 63] : '=');
		buf_putc(out, i + 2 < n ? digits[three & 63] : '=');
	}
}

static int value_of(char c)
{
	const char *at = strchr(digits, c == '-' ? '+' : c == '_' ? '/' : c);

	return at ? (int)(at - digits) : -1;
}

int base64_decode(struct buf *out, const char *text)
{
	static const unsigned int spare[] = { 0, 6, 4, 2 }; /* bits behind the last whole byte */
	uint32_t bits = 0;
	unsigned int n = 0, pads = 0;

	for (; *text; text++) {
		int value = value_of(*text);

		if (strchr(" \t\r\n", *text))
			continue;
		if (*text == '=') {
			pads++;
			continue;
		}
		if (value < 0 || pads)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		if (++n % 4 != 1)
			buf_putc(out, (char)(bits >> spare[n % 4]));
	}
	return n % 4 == 1 || pads > 2 ? -EINVAL : out->error;
}
