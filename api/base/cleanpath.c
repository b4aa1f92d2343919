/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanpath.h"

#include <string.h>

size_t cleanpath_append(char *text, size_t len, const char *raw)
{
	for (const char *p = raw; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (len > 0 && text[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			text[len++] = '/';
			memcpy(text + len, p, n);
			len += n;
		}
		p += n + (p[n] == '/');
	}
	text[len] = '\0';
	return len;
}

char *cleanpath(const char *raw)
{
	char *out = malloc(strlen(raw) + 2);

	if (out && cleanpath_append(out, 0, raw) == 0)
		memcpy(out, "/", 2);
	return out;
}
