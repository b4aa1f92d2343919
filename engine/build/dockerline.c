/* SPDX-License-Identifier: Apache-2.0 */
/* As BuildKit reads it. Directives are comments of the form "# key=value" above everything else; the
 * first line that is none ends them. A line whose last byte (blanks aside) is one escape goes on;
 * comments and empty lines in between are skipped. What follows a line with here-documents belongs to
 * them, up to each one's name alone on a line. */
#include "dockerline.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "str.h"

struct reader {
	const char *p, *end;
	unsigned int number; /* of the line read last */
};

struct slice {
	const char *s;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool next_line(struct reader *r, struct slice *line)
{
	if (r->p == r->end)
		return false;
	const char *newline = memchr(r->p, '\n', (size_t)(r->end - r->p));

	*line = (struct slice){ r->p, (size_t)((newline ? newline : r->end) - r->p) };
	r->p = newline ? newline + 1 : r->end;
	r->number++;
	if (line->n && line->s[line->n - 1] == '\r')
		line->n--;
	return true;
}

static struct slice left_trimmed(struct slice s)
{
	while (s.n && is_blank(*s.s)) {
		s.s++;
		s.n--;
	}
	return s;
}

static struct slice trimmed(struct slice s)
{
	s = left_trimmed(s);
	while (s.n && is_blank(s.s[s.n - 1]))
		s.n--;
	return s;
}

/* ---- directives */

enum directive { DIRECTIVE_SYNTAX, DIRECTIVE_ESCAPE, DIRECTIVE_CHECK, N_DIRECTIVES };
static const char *const directives[N_DIRECTIVES] = {
	[DIRECTIVE_SYNTAX] = "syntax",
	[DIRECTIVE_ESCAPE] = "escape",
	[DIRECTIVE_CHECK] = "check",
};

/* Which directive the line is, with its value, or -1. */
static int find_directive(struct slice line, struct slice *value)
{
	const char *equals = memchr(line.s, '=', line.n);

	if (line.n == 0 || *line.s != '#' || !equals)
		return -1;
	struct slice key = trimmed((struct slice){ line.s + 1, (size_t)(equals - line.s) - 1 });

	*value = trimmed((struct slice){ equals + 1, line.n - (size_t)(equals - line.s) - 1 });
	for (int i = 0; value->n && i < N_DIRECTIVES; i++)
		if (strlen(directives[i]) == key.n && strncasecmp(directives[i], key.s, key.n) == 0)
			return i;
	return -1;
}

static int read_directives(struct reader *r, char *escape, struct err *err)
{
	bool seen[N_DIRECTIVES] = { false };
	struct slice line, value;

	for (struct reader ahead = *r; next_line(&ahead, &line); *r = ahead) {
		int which = find_directive(left_trimmed(line), &value);

		if (which < 0)
			return 0;
		if (seen[which])
			return err_set(err, ERR_INVALID,
				       "dockerfile parse error on line %u: only one %s parser "
				       "directive can be used",
				       ahead.number, directives[which]);
		seen[which] = true;
		if (which != DIRECTIVE_ESCAPE)
			continue;
		if (value.n != 1 || (*value.s != '\\' && *value.s != '`'))
			return err_set(err, ERR_INVALID,
				       "dockerfile parse error on line %u: invalid escape token "
				       "'%.*s' does not match ` or \\",
				       ahead.number, (int)(value.n > 40 ? 40 : value.n), value.s);
		*escape = *value.s;
	}
	return 0;
}

/* ---- here-documents */

/* Takes quotes and escapes out. False when they are not closed. */
static bool unquote(struct slice word, struct buf *out, bool *quoted)
{
	char quote = 0;

	for (size_t i = 0; i < word.n; i++) {
		char c = word.s[i];

		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			*quoted = true;
		} else if (c == '\\' && quote != '\'') {
			if (++i == word.n)
				return false;
			*quoted = true;
			buf_putc(out, word.s[i]);
		} else {
			buf_putc(out, c);
		}
	}
	return quote == 0;
}

char *heredoc_name(const char *word, size_t len, bool *expand, bool *chomp)
{
	cleanup(buf_deinit) struct buf name = BUF_NULL;
	bool quoted = false;
	size_t i = 0;

	errno = 0;
	while (i < len && isdigit((unsigned char)word[i]))
		i++;
	if (len - i < 3 || word[i] != '<' || word[i + 1] != '<' ||
	    memchr(word + i + 2, '<', len - i - 2))
		return NULL;
	i += 2;
	*chomp = word[i] == '-';
	i += *chomp;
	if (!unquote((struct slice){ word + i, len - i }, &name, &quoted) || name.len == 0)
		return NULL;
	*expand = !quoted;
	char *text = buf_steal(&name);

	if (!text)
		errno = ENOMEM;
	return text;
}

/* One word behind *p, with its quotes. */
static struct slice shell_word(const char **p, char escape)
{
	const char *s = *p;
	char quote = 0;

	while (is_blank(*s))
		s++;
	const char *from = s;

	for (; *s && (quote || !is_blank(*s)); s++) {
		if (*s == escape && quote != '\'' && s[1])
			s++;
		else if (quote ? *s == quote : *s == '"' || *s == '\'')
			quote = quote ? 0 : *s;
	}
	*p = s;
	return (struct slice){ from, (size_t)(s - from) };
}

/* Whether here-documents may follow this line, and behind which text. */
static const char *heredoc_text(const char *text)
{
	static const char *const takers[] = { "RUN", "COPY", "ADD" };

	if (strncasecmp(text, "ONBUILD", 7) == 0 && is_blank(text[7]))
		for (text += 7; is_blank(*text);)
			text++;
	for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
		size_t n = strlen(takers[i]);

		if (strncasecmp(text, takers[i], n) == 0 && is_blank(text[n]))
			return text + n;
	}
	return NULL;
}

static int read_body(struct reader *r, const struct heredoc *doc, bool chomp, struct buf *body)
{
	struct slice line;

	for (const char *from = r->p; next_line(r, &line); from = r->p) {
		for (; chomp && line.n && *line.s == '\t'; line.n--)
			from = ++line.s;
		if (line.n == strlen(doc->name) && memcmp(line.s, doc->name, line.n) == 0)
			return body->error;
		buf_append(body, from, (size_t)(r->p - from));
	}
	return -ENODATA;
}

static int add_heredoc(struct dockerline *line, struct reader *r, char *name, bool expand,
		       bool chomp, struct err *err)
{
	cleanup(buf_deinit) struct buf body = BUF_NULL;
	struct heredoc *grown = realloc(line->docs, (line->n_docs + 1) * sizeof(*grown));

	if (!grown) {
		free(name);
		return err_sys(err, ENOMEM, "read the Dockerfile");
	}
	line->docs = grown;
	struct heredoc *doc = &grown[line->n_docs++];

	*doc = (struct heredoc){ .name = name, .expand = expand };
	int r2 = read_body(r, doc, chomp, &body);

	if (r2 == 0 && !(doc->body = buf_steal(&body)))
		r2 = -ENOMEM;
	if (r2 == -ENODATA)
		return err_set(err, ERR_INVALID,
			       "dockerfile parse error on line %u: unterminated heredoc %.60s",
			       line->first, name);
	return r2 < 0 ? err_sys(err, r2, "read the Dockerfile") : 0;
}

static int read_heredocs(struct dockerline *line, struct reader *r, char escape, struct err *err)
{
	const char *p = heredoc_text(line->text);
	bool expand, chomp;
	int result = 0;

	while (p && result == 0) {
		struct slice word = shell_word(&p, escape);
		char *name = word.n ? heredoc_name(word.s, word.n, &expand, &chomp) : NULL;

		if (word.n == 0)
			break;
		if (!name && errno == ENOMEM)
			return err_sys(err, ENOMEM, "read the Dockerfile");
		if (!name)
			continue;
		if (line->n_docs < DOCKERFILE_HEREDOCS_MAX) {
			result = add_heredoc(line, r, name, expand, chomp, err);
		} else {
			free(name);
			result = err_set(err, ERR_INVALID,
					 "dockerfile parse error on line %u: more than %d heredocs",
					 line->first, DOCKERFILE_HEREDOCS_MAX);
		}
	}
	line->last = r->number;
	return result;
}

/* ---- lines */

/* Whether the line goes on; its escape is cut off then. */
static bool cut_continuation(struct slice *line, char escape)
{
	size_t n = line->n;

	while (n && (line->s[n - 1] == ' ' || line->s[n - 1] == '\t'))
		n--;
	if (n == 0 || line->s[n - 1] != escape || (n > 1 && line->s[n - 2] == escape))
		return false;
	line->n = n - 1;
	return true;
}

/* The lines behind one that goes on. */
static void join(struct reader *r, char escape, struct buf *text)
{
	struct slice line;

	for (bool more = true; more && next_line(r, &line);) {
		struct slice bare = left_trimmed(line);

		if (bare.n == 0 || *bare.s == '#')
			continue;
		more = cut_continuation(&line, escape);
		buf_append(text, line.s, line.n);
	}
}

static int add_line(struct dockerlines *out, struct reader *r, struct slice first, struct err *err)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	struct dockerline *grown = realloc(out->v, (out->n + 1) * sizeof(*grown));

	if (!grown)
		return err_sys(err, ENOMEM, "read the Dockerfile");
	out->v = grown;
	struct dockerline *line = &grown[out->n++];

	*line = (struct dockerline){ .first = r->number };
	bool more = cut_continuation(&first, out->escape);

	buf_append(&text, first.s, first.n);
	if (more)
		join(r, out->escape, &text);
	while (text.len && is_blank(text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	line->text = buf_steal(&text);
	if (!line->text)
		return err_sys(err, ENOMEM, "read the Dockerfile");
	return read_heredocs(line, r, out->escape, err);
}

static int read_lines(struct reader *r, struct dockerlines *out, struct err *err)
{
	struct slice line;
	int result = 0;

	while (result == 0 && next_line(r, &line)) {
		line = left_trimmed(line);
		if (line.n == 0 || *line.s == '#')
			continue;
		if (out->n == DOCKERFILE_LINES_MAX)
			return err_set(
				err, ERR_INVALID,
				"dockerfile parse error on line %u: more than %d instructions",
				r->number, DOCKERFILE_LINES_MAX);
		result = add_line(out, r, line, err);
		if (result == 0 && !out->v[out->n - 1].text[0]) { /* nothing but an escape */
			free(out->v[--out->n].text);
		}
	}
	return result;
}

int dockerlines_parse(const char *text, size_t len, struct dockerlines *out, struct err *err)
{
	struct reader r = { text, text + len, 0 };

	*out = DOCKERLINES_NULL;
	if (len > DOCKERFILE_BYTES_MAX)
		return err_set(err, ERR_INVALID, "the Dockerfile is longer than %d MiB",
			       DOCKERFILE_BYTES_MAX >> 20);
	if (len && memchr(text, '\0', len))
		return err_set(err, ERR_INVALID, "the Dockerfile has a zero byte: it is no text");
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.p += 3;
	int result = read_directives(&r, &out->escape, err);

	result = result ? result : read_lines(&r, out, err);
	if (result < 0)
		dockerlines_deinit(out);
	return result;
}

void dockerlines_deinit(struct dockerlines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		struct dockerline *line = &lines->v[i];

		for (size_t k = 0; k < line->n_docs; k++) {
			free(line->docs[k].name);
			free(line->docs[k].body);
		}
		free(line->docs);
		free(line->text);
	}
	free(lines->v);
	*lines = DOCKERLINES_NULL;
}
