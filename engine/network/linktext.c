/* SPDX-License-Identifier: Apache-2.0 */
#include "linktext.h"

#include <errno.h>
#include <string.h>

bool linktext_is_word(const char *text)
{
	size_t n = 0;

	for (; text[n]; n++)
		if ((unsigned char)text[n] <= ' ' || text[n] == 0x7f || text[n] == '#' ||
		    text[n] == ';')
			return false;
	return n > 0 && n < LINKTEXT_MAX;
}

static int take(const char *from, size_t n, char out[LINKTEXT_MAX])
{
	if (n >= LINKTEXT_MAX)
		return -EINVAL;
	memcpy(out, from, n);
	out[n] = '\0';
	return linktext_is_word(out) ? 0 : -EINVAL;
}

int linktext_parse(const char *text, struct linktext *out)
{
	const char *colon = strchr(text, ':'), *alias = colon ? colon + 1 : text, *slash;
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	struct linktext link;

	if (strchr(alias, ':'))
		return -EINVAL;
	if (text[0] == '/') {
		slash = strrchr(alias, '/');
		alias = slash ? slash + 1 : alias;
		text++;
		n--;
	}
	if (take(text, n, link.target) < 0 || take(alias, strlen(alias), link.alias) < 0)
		return -EINVAL;
	*out = link;
	return 0;
}
