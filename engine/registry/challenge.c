/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar is a list of lists, both divided by commas: a word followed by '=' is a parameter of the
 * challenge at hand, any other word begins the next one. */
#include "challenge.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *skip(const char *p, const char *what)
{
	return p + strspn(p, what);
}

static size_t token(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || (p[n] && strchr("!#$%&'*+-.^_`|~", p[n])))
		n++;
	return n;
}

/* The value behind '=' into out (too long: cut, as nobody's is); NULL when a quote is not closed. */
static const char *value(const char *p, char out[CHALLENGE_TEXT_MAX])
{
	size_t n = 0;
	bool quoted = *p == '"';

	for (p += quoted; quoted ? *p != '"' : token(p) > 0; p++) {
		if (quoted && *p == '\\')
			p++;
		if (!*p)
			return NULL;
		if (n + 1 < CHALLENGE_TEXT_MAX)
			out[n++] = *p;
	}
	out[n] = '\0';
	return p + quoted;
}

static void begin(struct challenge *c, const char *name, size_t n)
{
	*c = (struct challenge){ 0 };
	if (n == 5 && strncasecmp(name, "Basic", n) == 0)
		c->scheme = CHALLENGE_BASIC;
	else if (n == 6 && strncasecmp(name, "Bearer", n) == 0)
		c->scheme = CHALLENGE_BEARER;
}

static void set(struct challenge *c, const char *name, size_t n, const char *text)
{
	const struct {
		const char *name;
		char *field;
	} fields[] = { { "realm", c->realm }, { "service", c->service }, { "scope", c->scope } };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strlen(fields[i].name) == n && strncasecmp(fields[i].name, name, n) == 0)
			snprintf(fields[i].field, CHALLENGE_TEXT_MAX, "%s", text);
}

/* The better of what was found so far and the one that has just ended. */
static void settle(const struct challenge *c, struct challenge *best)
{
	if (c->scheme > best->scheme && (c->scheme != CHALLENGE_BEARER || c->realm[0]))
		*best = *c;
}

/* A word that begins a challenge, and the credentials in one piece ("Negotiate YWJj==") it may have. */
static const char *scheme(const char *p, size_t n, struct challenge *at, struct challenge *best)
{
	settle(at, best);
	begin(at, p, n);
	p = skip(p + n, " \t");

	size_t whole =
		strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/");
	const char *end = skip(p + whole, "=");

	return whole && (end > p + whole + 1 || *end == ',' || *end == '\0') ? end : p;
}

int challenge_parse(const char *text, struct challenge *out)
{
	struct challenge at = { 0 }, best = { 0 };
	const char *p = skip(text, " \t,");
	char word[CHALLENGE_TEXT_MAX];

	while (*p) {
		size_t n = token(p);
		const char *after = skip(p + n, " \t");

		if (n == 0)
			return -EBADMSG;
		if (*after == '=') {
			after = value(skip(after + 1, " \t"), word);
			if (!after)
				return -EBADMSG;
			set(&at, p, n, word);
			p = skip(after, " \t");
			if (*p && *p != ',')
				return -EBADMSG;
		} else {
			p = scheme(p, n, &at, &best);
		}
		p = skip(p, " \t,");
	}
	settle(&at, &best);
	if (best.scheme == CHALLENGE_NONE)
		return -ENOTSUP;
	*out = best;
	return 0;
}
