/* SPDX-License-Identifier: Apache-2.0 */
/* One pass with two places to come back to: behind the last '*' and behind the last "**". When what
 * follows does not fit, the star nearest takes one byte more; where it may not ('/'), the "**" takes
 * one directory more. Earlier stars need not be asked again, as the later ones could have taken what
 * they would; so the work is bounded by pattern times text times its directories. */
#include "glob.h"

#include <string.h>

struct place {
	const char *pattern; /* behind the star; NULL = there was none */
	const char *text;
};

struct match {
	const char *p, *t, *end;
	enum glob_flags flags;
	struct place star, deep;
};

/* One class at *p ("[..."), which is moved behind it. False when it is not closed. */
static bool in_class(const char **p, unsigned char c, bool *in)
{
	const char *s = *p + 1;
	bool negated = *s == '^';

	*in = false;
	s += negated;
	for (bool first = true; first || *s != ']'; first = false) {
		unsigned char low, high;

		s += *s == '\\';
		if (!*s)
			return false;
		low = high = (unsigned char)*s++;
		if (*s == '-' && s[1] && s[1] != ']') {
			s += s[1] == '\\' ? 2 : 1;
			if (!*s)
				return false;
			high = (unsigned char)*s++;
		}
		*in |= c >= low && c <= high;
	}
	*in ^= negated;
	*p = s + 1;
	return true;
}

/* Whether the pattern's next element, no star, is the text's next byte; both move then. */
static bool one(struct match *m)
{
	const char *p = m->p;
	bool in = false;

	if (!*p || m->t == m->end)
		return false;
	if (*p == '?') {
		in = !(m->flags & GLOB_PATH) || *m->t != '/';
		p++;
	} else if (*p == '[' && (m->flags & GLOB_PATH)) {
		if (!in_class(&p, (unsigned char)*m->t, &in) || *m->t == '/')
			return false;
	} else {
		p += *p == '\\' && p[1];
		in = *p++ == *m->t;
	}
	if (!in)
		return false;
	m->p = p;
	m->t++;
	return true;
}

/* At a star: remembers it. True when it swallows all that is left. */
static bool star(struct match *m)
{
	if (m->flags != GLOB_DEEP || m->p[1] != '*') {
		m->star = (struct place){ ++m->p, m->t };
		return false;
	}
	m->p += 2;
	m->p += *m->p == '/';
	m->star.pattern = NULL;
	m->deep = (struct place){ m->p, m->t };
	return !*m->p;
}

/* The nearest star takes more; false when none can. */
static bool again(struct match *m)
{
	if (m->star.pattern && m->star.text < m->end &&
	    (!(m->flags & GLOB_PATH) || *m->star.text != '/')) {
		m->p = m->star.pattern;
		m->t = ++m->star.text;
		return true;
	}
	const char *slash =
		m->deep.pattern ? memchr(m->deep.text, '/', (size_t)(m->end - m->deep.text)) : NULL;

	if (!slash)
		return false;
	m->star.pattern = NULL;
	m->p = m->deep.pattern;
	m->t = m->deep.text = slash + 1;
	return true;
}

bool glob_match(const char *pattern, const char *text, size_t len, enum glob_flags flags)
{
	struct match m = { .p = pattern, .t = text, .end = text + len, .flags = flags };

	while (*m.p || m.t < m.end) {
		if (*m.p == '*') {
			if (star(&m))
				return true;
		} else if (!one(&m) && !again(&m)) {
			return false;
		}
	}
	return true;
}

bool glob_valid(const char *pattern)
{
	for (const char *p = pattern; *p;) {
		bool in;

		if (*p == '[') {
			if (!in_class(&p, 0, &in))
				return false;
		} else if (*p++ == '\\' && !*p++) {
			return false;
		}
	}
	return true;
}

bool glob_has_wildcard(const char *pattern)
{
	for (const char *p = pattern; *p; p++) {
		if (strchr("*?[", *p))
			return true;
		p += *p == '\\' && p[1];
	}
	return false;
}
