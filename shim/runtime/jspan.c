/* SPDX-License-Identifier: Apache-2.0 */
/* The system call filter is by far the largest part of a bundle and always the same. Knowing its
 * bytes lets the runtime look up the compiled program by them and spare itself the parsing. The
 * scanner only balances brackets and strings; a key written with escapes is not found, which costs
 * time and nothing else. */
#include "jspan.h"

#include <string.h>

struct scan {
	const char *p, *end;
};

static void blanks(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p)
		s->p++;
}

/* At an opening quote; moves past the closing one. */
static bool string(struct scan *s)
{
	for (s->p++; s->p < s->end; s->p++) {
		if (*s->p == '\\')
			s->p++;
		else if (*s->p == '"') {
			s->p++;
			return true;
		}
	}
	return false;
}

static bool value(struct scan *s)
{
	size_t depth = 0;

	while (s->p < s->end) {
		char c = *s->p;

		if (c == '"') {
			if (!string(s))
				return false;
		} else if (c == '{' || c == '[') {
			depth++;
			s->p++;
		} else if ((c == '}' || c == ']' || c == ',') && !depth) {
			return true; /* end of a scalar, not ours */
		} else {
			if (c == '}' || c == ']')
				depth--;
			s->p++;
		}
		if (!depth && strchr("}]\"", s->p[-1]))
			return true;
	}
	return false;
}

/* At an object; narrows the scan to the value of its member `key`. */
static bool member(struct scan *s, const char *key)
{
	size_t n = strlen(key);

	blanks(s);
	if (s->p >= s->end || *s->p++ != '{')
		return false;
	for (;;) {
		const char *name;
		struct scan v;

		blanks(s);
		name = s->p + 1;
		if (s->p >= s->end || *s->p != '"' || !string(s))
			return false;
		v.end = s->p - 1;
		blanks(s);
		if (s->p >= s->end || *s->p++ != ':')
			return false;
		blanks(s);
		v.p = s->p;
		if (!value(s))
			return false;
		if ((size_t)(v.end - name) == n && !memcmp(name, key, n)) {
			*s = (struct scan){ v.p, s->p };
			return true;
		}
		blanks(s);
		if (s->p >= s->end || *s->p++ != ',')
			return false;
	}
}

bool jspan_find(const char *text, size_t n, const char *outer, const char *inner, size_t *start,
		size_t *len)
{
	struct scan s = { text, text + n };

	if (!member(&s, outer) || !member(&s, inner))
		return false;
	*start = (size_t)(s.p - text);
	*len = (size_t)(s.end - s.p);
	return true;
}
