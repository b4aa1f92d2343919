/* SPDX-License-Identifier: Apache-2.0 */
#include "urltext.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "str.h"

void urltext_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_putc(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

void urltext_base64(struct buf *out, const void *bytes, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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

char *urltext_resolve(const char *base, const char *location)
{
	const char *host = strstr(base, "://");

	if (str_has_prefix(location, "http://") || str_has_prefix(location, "https://"))
		return strdup(location);
	if (!host || location[0] != '/' || location[1] == '/')
		return NULL;
	size_t n = (size_t)(host - base) + 3 + strcspn(host + 3, "/?#");

	return str_printf("%.*s%s", (int)n, base, location);
}

char *urltext_next(const char *link)
{
	const char *start = strchr(link, '<'), *end = start ? strchr(start, '>') : NULL;

	if (!end || !strstr(end, "rel=\"next\""))
		return NULL;
	return strndup(start + 1, (size_t)(end - start - 1));
}
