/* SPDX-License-Identifier: Apache-2.0 */
#include "urltext.h"

#include <ctype.h>
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

bool urltext_below(const char *url, const char *base)
{
	return str_has_prefix(url, base) && strchr("/?#", url[strlen(base)]);
}

char *urltext_next(const char *link)
{
	const char *start = strchr(link, '<'), *end = start ? strchr(start, '>') : NULL;

	if (!end || !strstr(end, "rel=\"next\""))
		return NULL;
	return strndup(start + 1, (size_t)(end - start - 1));
}
