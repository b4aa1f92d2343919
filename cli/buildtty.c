/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that have ended are lines that stay; below them each that runs has one, with its last output, and
 * those are drawn anew whenever something happens. */
#include <stdio.h>
#include <string.h>

#include "buildprogress.h"
#include "fd.h"
#include "term.h"

enum { KEPT_BYTES = 16 << 10, TIME_COLUMNS = 9, COLUMNS_LEAST = 40, RUNNING_MAX = 8 };

static int columns(void)
{
	uint32_t rows, width;

	return term_size(STDERR_FILENO, &rows, &width) && width > COLUMNS_LEAST ? (int)width : 80;
}

/* " => title            0.3s", cut to the terminal's width. */
static void put_step(const struct buildstep *s, const char *mark)
{
	int64_t until = s->ended_ns ? s->ended_ns : fd_monotonic_ns();
	int width = columns() - TIME_COLUMNS - 4;

	fprintf(stderr, " %s %-*.*s %7.1fs\n", mark, width, width, s->title,
		(double)(until - s->begun_ns) / 1e9);
}

static void erase(struct buildprogress *p)
{
	if (p->drawn)
		fprintf(stderr, "\033[%zuA\033[J", p->drawn);
	p->drawn = 0;
}

/* The last line of what a step has printed; "" = nothing. */
static const char *last_line(const struct buildstep *s, size_t *len)
{
	const char *from = s->kept.data;

	*len = s->kept.len ? s->kept.len - 1 : 0;
	for (size_t i = *len; i > 0; i--)
		if (s->kept.data[i - 1] == '\n') {
			from = s->kept.data + i;
			*len -= i;
			break;
		}
	return from;
}

void buildtty_draw(struct buildprogress *p)
{
	int width = columns() - 8;

	erase(p);
	for (size_t i = 0; i < p->n && p->drawn < RUNNING_MAX; i++) {
		const struct buildstep *s = &p->steps[i];
		size_t len;
		const char *line = last_line(s, &len);

		if (s->ended_ns)
			continue;
		put_step(s, "=>");
		p->drawn++;
		if (len == 0)
			continue;
		fprintf(stderr, "    # %.*s\n", (int)len < width ? (int)len : width, line);
		p->drawn++;
	}
}

void buildtty_line(struct buildprogress *p, struct buildstep *s, const char *text)
{
	buf_printf(&s->kept, "%s\n", text);
	if (s->kept.len > 2 * KEPT_BYTES)
		buf_consume(&s->kept, s->kept.len - KEPT_BYTES);
	buildtty_draw(p);
}

void buildtty_end(struct buildprogress *p, struct buildstep *s)
{
	bool failed = strcmp(s->status, "ERROR") == 0;

	erase(p);
	if (strcmp(s->status, "CACHED") == 0)
		fprintf(stderr, " => CACHED %.*s\n", columns() - 12, s->title);
	else
		put_step(s, failed ? "!!" : "=>");
	if (s->kept.len && (failed || s->title[0] != '['))
		fprintf(stderr, "%s", s->kept.data);
	buildtty_draw(p);
}
