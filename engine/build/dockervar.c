/* SPDX-License-Identifier: Apache-2.0 */
/* A recursive scanner: a word of ${X:-word} is scanned like any other, up to its '}'. Each level adds
 * to the output of the one that called it. Where words are wanted, a mark that no text can hold (a zero
 * byte) is put where unquoted blanks were, and the result is cut there at the end. */
#include "dockervar.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "buf.h"
#include "glob.h"

struct scan {
	const struct dockervar *vars;
	const char *p;
	bool words; /* unquoted blanks become marks */
	int depth;
	struct err *err;
};

static int until(struct scan *s, char stop, bool raw_escapes, struct buf *out);

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int no_memory(struct scan *s, const struct buf *b)
{
	return b->error ? err_sys(s->err, b->error, "expand variables") : 0;
}

static const char *value_of(const struct scan *s, const char *name)
{
	return s->vars->get(s->vars->ctx, name);
}

/* The name at s->p: letters, digits and '_'; digits alone; or one of the shell's special ones. */
static int scan_name(struct scan *s, struct buf *name)
{
	const char *from = s->p;

	if (isdigit((unsigned char)*s->p)) {
		while (isdigit((unsigned char)*s->p))
			s->p++;
	} else if (*s->p && strchr("@*#?-$!0", *s->p)) {
		s->p++;
	} else {
		while (isalnum((unsigned char)*s->p) || *s->p == '_')
			s->p++;
	}
	buf_append(name, from, (size_t)(s->p - from));
	buf_puts(name, "");
	return no_memory(s, name);
}

/* ---- ${X...} */

/* Puts `value` out, as words where they are wanted. */
static void put_value(const struct scan *s, const char *value, struct buf *out)
{
	for (; *value; value++)
		buf_putc(out, s->words && is_blank(*value) ? '\0' : *value);
}

static int missing_brace(struct scan *s)
{
	return err_set(s->err, ERR_INVALID, "syntax error: missing '}'");
}

/* The text up to the brace that closes this variable. */
static int scan_operand(struct scan *s, char stop, bool raw, struct buf *out)
{
	bool words = s->words;

	s->words = false;
	int r = until(s, stop, raw, out);

	s->words = words;
	if (r == 0 && *s->p != stop)
		return missing_brace(s);
	s->p += r == 0;
	buf_puts(out, "");
	return r ? r : no_memory(s, out);
}

/* How many bytes of value a pattern takes from its front (or its end), the fewest or the most; -1 = it
 * does not match. */
static ssize_t matched(const char *pattern, const char *value, bool front, bool most)
{
	size_t len = strlen(value);

	for (size_t k = 0; k <= len; k++) {
		size_t n = most ? len - k : k;

		if (glob_match(pattern, front ? value : value + len - n, n, GLOB_TEXT))
			return (ssize_t)n;
	}
	return -1;
}

static bool too_long(const char *value)
{
	return strlen(value) > DOCKERVAR_MATCH_MAX;
}

static int refuse_long(struct scan *s, const char *name)
{
	return err_set(s->err, ERR_INVALID, "%.60s: a pattern takes at most %d bytes", name,
		       DOCKERVAR_MATCH_MAX);
}

static void trim(struct scan *s, const char *value, const char *pattern, char op, struct buf *out)
{
	cleanup(buf_deinit) struct buf rest = BUF_NULL;
	bool most = *pattern == op, front = op == '#';
	ssize_t n = matched(pattern + most, value, front, most);
	size_t cut = n > 0 ? (size_t)n : 0, len = strlen(value);

	buf_append(&rest, front ? value + cut : value, len - cut);
	put_value(s, rest.data ? rest.data : "", out);
	if (rest.error)
		out->error = rest.error;
}

static int not_set(struct scan *s, const char *name, const char *word, bool unset)
{
	if (!word[0])
		word = unset ? "is not allowed to be unset" : "is not allowed to be empty";
	return err_set(s->err, ERR_INVALID, "%.60s: %.150s", name, word);
}

/* ${X-w} ${X+w} ${X?w} with or without ':' and ${X#p} ${X%p}; s->p is behind `op`. */
static int substitute(struct scan *s, const char *name, char op, bool empty_is_unset,
		      struct buf *out)
{
	cleanup(buf_deinit) struct buf word = BUF_NULL;
	int r = scan_operand(s, '}', op == '#' || op == '%', &word);
	const char *value = value_of(s, name);
	bool set = value && (!empty_is_unset || value[0]);

	if (r < 0)
		return r;
	switch (op) {
	case '-':
		put_value(s, set ? value : word.data, out);
		return 0;
	case '+':
		put_value(s, set ? word.data : "", out);
		return 0;
	case '?':
		if (!set)
			return not_set(s, name, word.data, value == NULL);
		put_value(s, value, out);
		return 0;
	default:
		if (value && too_long(value))
			return refuse_long(s, name);
		trim(s, value ? value : "", word.data, op, out);
		return 0;
	}
}

/* The longest match of the pattern at `at`, or -1. */
static ssize_t match_at(const char *pattern, const char *at)
{
	return matched(pattern, at, true, true);
}

static void replace_in(struct scan *s, const char *value, const char *pattern, const char *with,
		       bool all, struct buf *out)
{
	bool done = false;

	while (*value) {
		ssize_t n = done ? -1 : match_at(pattern, value);

		if (n > 0) {
			put_value(s, with, out);
			value += n;
			done = !all;
		} else {
			const char one[2] = { *value++, '\0' };

			put_value(s, one, out);
		}
	}
}

/* ${X/p/w}, ${X//p/w}; s->p is behind the first '/'. */
static int replace(struct scan *s, const char *name, struct buf *out)
{
	cleanup(buf_deinit) struct buf pattern = BUF_NULL;
	cleanup(buf_deinit) struct buf with = BUF_NULL;
	const char *value = value_of(s, name);
	bool all = *s->p == '/';

	s->p += all;
	int r = scan_operand(s, '/', true, &pattern);

	r = r ? r : scan_operand(s, '}', true, &with);
	if (r == 0 && value && too_long(value))
		return refuse_long(s, name);
	if (r == 0)
		replace_in(s, value ? value : "", pattern.data, with.data, all, out);
	return r;
}

static int braced(struct scan *s, struct buf *out)
{
	cleanup(buf_deinit) struct buf name = BUF_NULL;
	bool colon = false;

	if (!*s->p)
		return missing_brace(s);
	if (strchr("{}:", *s->p))
		return err_set(s->err, ERR_INVALID, "syntax error: bad substitution");
	int r = scan_name(s, &name);

	if (r < 0)
		return r;
	if (*s->p == '}') {
		const char *value = value_of(s, name.data);

		s->p++;
		put_value(s, value ? value : "", out);
		return 0;
	}
	if (*s->p == '/') {
		s->p++;
		return replace(s, name.data, out);
	}
	if (*s->p == ':') {
		colon = true;
		s->p++;
	}
	if (!*s->p)
		return missing_brace(s);
	if (!strchr(colon ? "-+?" : "-+?#%", *s->p))
		return err_set(s->err, ERR_INVALID, "unsupported modifier (%s%c) in substitution",
			       colon ? ":" : "", *s->p);
	char op = *s->p++;

	return substitute(s, name.data, op, colon, out);
}

static int dollar(struct scan *s, struct buf *out)
{
	cleanup(buf_deinit) struct buf name = BUF_NULL;

	s->p++;
	if (*s->p == '{') {
		s->p++;
		return braced(s, out);
	}
	int r = scan_name(s, &name);

	if (r < 0)
		return r;
	const char *value = name.len ? value_of(s, name.data) : "$";

	put_value(s, value ? value : "", out);
	return 0;
}

/* ---- words */

static int single_quoted(struct scan *s, struct buf *out)
{
	const char *end = strchr(s->p + 1, '\'');

	if (!end)
		return err_set(
			s->err, ERR_INVALID,
			"unexpected end of statement while looking for matching single-quote");
	buf_append(out, s->p + 1, (size_t)(end - s->p - 1));
	s->p = end + 1;
	return 0;
}

static int double_quoted(struct scan *s, struct buf *out)
{
	bool words = s->words;
	int r = 0;

	s->words = false;
	for (s->p++; r == 0 && *s->p && *s->p != '"';) {
		if (*s->p == '$') {
			r = dollar(s, out);
			continue;
		}
		if (*s->p == s->vars->escape && s->p[1] &&
		    (strchr("\"$", s->p[1]) || s->p[1] == s->vars->escape))
			s->p++;
		buf_putc(out, *s->p++);
	}
	s->words = words;
	if (r == 0 && *s->p != '"')
		return err_set(
			s->err, ERR_INVALID,
			"unexpected end of statement while looking for matching double-quote");
	s->p += r == 0;
	return r;
}

static void escaped(struct scan *s, bool raw, struct buf *out)
{
	if (raw)
		buf_putc(out, *s->p);
	if (*++s->p)
		buf_putc(out, *s->p++);
}

static int one(struct scan *s, bool raw_escapes, struct buf *out)
{
	char c = *s->p;

	if (c == '\'' && !s->vars->keep_quotes)
		return single_quoted(s, out);
	if (c == '"' && !s->vars->keep_quotes)
		return double_quoted(s, out);
	if (c == '$')
		return dollar(s, out);
	if (c == s->vars->escape) {
		escaped(s, raw_escapes, out);
		return 0;
	}
	s->p++;
	buf_putc(out, s->words && is_blank(c) ? '\0' : c);
	return 0;
}

static int until(struct scan *s, char stop, bool raw_escapes, struct buf *out)
{
	int r = 0;

	if (++s->depth > DOCKERVAR_DEPTH_MAX)
		return err_set(s->err, ERR_INVALID, "variables are nested more than %d deep",
			       DOCKERVAR_DEPTH_MAX);
	while (r == 0 && *s->p && *s->p != stop && !out->error)
		r = one(s, raw_escapes, out);
	s->depth--;
	return r;
}

static int expand(const struct dockervar *vars, const char *text, bool words, struct buf *out,
		  struct err *err)
{
	struct scan s = { .vars = vars, .p = text, .words = words, .err = err };

	out->max = DOCKERVAR_BYTES_MAX;
	int r = until(&s, '\0', false, out);

	if (r == 0 && out->error == -EMSGSIZE)
		r = err_set(err, ERR_INVALID, "variables expand to more than %d MiB",
			    DOCKERVAR_BYTES_MAX >> 20);
	return r ? r : no_memory(&s, out);
}

int dockervar_word(const struct dockervar *vars, const char *text, char **out, struct err *err)
{
	cleanup(buf_deinit) struct buf word = BUF_NULL;
	int r = expand(vars, text, false, &word, err);

	if (r < 0)
		return r;
	*out = buf_steal(&word);
	return *out ? 0 : err_sys(err, ENOMEM, "expand variables");
}

int dockervar_words(const struct dockervar *vars, const char *text, struct strings *out,
		    struct err *err)
{
	cleanup(buf_deinit) struct buf all = BUF_NULL;
	int r = expand(vars, text, true, &all, err);

	for (size_t at = 0; r == 0 && at < all.len;) {
		size_t n = strlen(all.data + at);

		if (n && strings_append(out, all.data + at) < 0)
			r = err_sys(err, ENOMEM, "expand variables");
		at += n + 1;
	}
	return r;
}
