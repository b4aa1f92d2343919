/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner of its own, as a log has millions of such lines and each is flat: a string is decoded into
 * the scratch, a value that is no string ends at the next comma or brace. */
#include "jsonline.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "str.h"

struct scan {
	const char *at, *end;
};

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
		s->at++;
}

static bool take(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool hex4(struct scan *s, uint32_t *code)
{
	*code = 0;
	if (s->end - s->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *s->at++;
		uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
							: 16;

		if (digit == 16)
			return false;
		*code = *code << 4 | digit;
	}
	return true;
}

static char *put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* Behind "\u": the six bytes of an escape never yield more than four of UTF-8. */
static bool unicode(struct scan *s, char **out)
{
	uint32_t code, low;

	if (!hex4(s, &code))
		return false;
	if (code >= 0xd800 && code < 0xdc00 && s->end - s->at >= 6 && s->at[0] == '\\' &&
	    s->at[1] == 'u') {
		s->at += 2;
		if (!hex4(s, &low))
			return false;
		code = low >= 0xdc00 && low < 0xe000
			       ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
			       : 0xfffd;
	} else if (code >= 0xd800 && code < 0xe000) {
		code = 0xfffd;
	}
	*out = put_utf8(*out, code);
	return true;
}

static bool escape(struct scan *s, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char c;

	if (s->at == s->end)
		return false;
	c = *s->at++;
	if (c == 'u')
		return unicode(s, out);
	found = c ? strchr(from, c) : NULL;
	if (!found)
		return false;
	*(*out)++ = to[found - from];
	return true;
}

/* A string into *out, which moves behind it. */
static bool string(struct scan *s, char **out)
{
	if (!take(s, '"'))
		return false;
	while (s->at < s->end) {
		char c = *s->at++;

		if (c == '"')
			return true;
		if (c != '\\')
			*(*out)++ = c;
		else if (!escape(s, out))
			return false;
	}
	return false;
}

/* A value nobody asked for: a string, or anything up to the end of the member; objects (attrs) by their
 * braces. */
static bool skip_value(struct scan *s, char *scratch)
{
	int depth = 0;

	for (skip_blanks(s); s->at < s->end; s->at++) {
		if (*s->at == '"') {
			char *out = scratch;

			if (!string(s, &out))
				return false;
			s->at--;
		} else if (*s->at == '{' || *s->at == '[') {
			depth++;
		} else if ((*s->at == '}' || *s->at == ']') && depth-- == 0) {
			return true;
		} else if (*s->at == ',' && depth == 0) {
			return true;
		}
	}
	return false;
}

static bool member(struct scan *s, char **free_space, struct jsonline *out, bool seen[3])
{
	char *key = *free_space, *end = key, *value;
	size_t n;

	if (!string(s, &end) || !take(s, ':'))
		return false;
	n = (size_t)(end - key);
	value = end;
	if (n == 3 && !memcmp(key, "log", 3)) {
		out->log = value;
		seen[0] = string(s, &end);
		out->log_len = (size_t)(end - value);
		*free_space = end;
		return seen[0];
	}
	if (n == 6 && !memcmp(key, "stream", 6)) {
		if (!string(s, &end) || end - value != 6)
			return false;
		out->stream = memcmp(value, "stderr", 6) ? 1 : 2;
		return seen[1] = true;
	}
	if (n == 4 && !memcmp(key, "time", 4)) {
		char text[STR_TIME_MAX];

		if (!string(s, &end) || end - value >= STR_TIME_MAX)
			return false;
		memcpy(text, value, (size_t)(end - value));
		text[end - value] = '\0';
		return seen[2] = str_time_ns(text, 0, &out->time_ns) == 0;
	}
	return skip_value(s, value);
}

int jsonline_parse(const char *text, size_t n, char *scratch, struct jsonline *out)
{
	struct scan s = { text, text + n };
	bool seen[3] = { false };

	if (!take(&s, '{'))
		return -EBADMSG;
	do {
		if (!member(&s, &scratch, out, seen))
			return -EBADMSG;
	} while (take(&s, ','));
	if (!take(&s, '}') || !seen[0] || !seen[1] || !seen[2])
		return -EBADMSG;
	skip_blanks(&s);
	return s.at == s.end ? 0 : -EBADMSG;
}
