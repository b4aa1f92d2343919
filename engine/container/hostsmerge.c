/* SPDX-License-Identifier: Apache-2.0 */
#include "hostsmerge.h"

#include <stdbool.h>
#include <string.h>

struct line {
	const char *at;
	size_t n;
};

static bool next_line(const char **text, struct line *line)
{
	if (!**text)
		return false;
	*line = (struct line){ *text, strcspn(*text, "\n") };
	*text += line->n;
	*text += **text == '\n';
	return true;
}

static bool is_same(const struct line *a, const struct line *b)
{
	return a->n == b->n && memcmp(a->at, b->at, a->n) == 0;
}

/* What is behind the address. */
static struct line names_of(const struct line *line)
{
	size_t n = 0;

	while (n < line->n && line->at[n] != ' ' && line->at[n] != '\t')
		n++;
	while (n < line->n && (line->at[n] == ' ' || line->at[n] == '\t'))
		n++;
	return (struct line){ line->at + n, line->n - n };
}

/* Whether a text has the line; or (names) one with its names. */
static bool has_line(const char *text, const struct line *line, bool names)
{
	const struct line wanted = names ? names_of(line) : *line;
	struct line other;

	while (next_line(&text, &other)) {
		if (names)
			other = names_of(&other);
		if (is_same(&wanted, &other))
			return true;
	}
	return false;
}

static void add_line(const struct line *line, struct buf *out)
{
	buf_append(out, line->at, line->n);
	buf_putc(out, '\n');
}

void hostsmerge(const char *old, const char *fresh, struct buf *out)
{
	const char *rest = old;
	struct line line;

	while (next_line(&rest, &line))
		if (!names_of(&line).n || has_line(fresh, &line, false) ||
		    !has_line(fresh, &line, true))
			add_line(&line, out);
	rest = fresh;
	while (next_line(&rest, &line))
		if (!has_line(old, &line, false))
			add_line(&line, out);
}
