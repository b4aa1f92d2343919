/* SPDX-License-Identifier: Apache-2.0 */
/* On a terminal the cursor stays below the last step's line; a step is drawn by going up to its line and back.
 * Lines are cut at the terminal's width, as one that wraps would shift all others. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"
#include "human.h"
#include "term.h"

enum { BAR_CELLS = 30, COLUMNS = 80, PACE_NS = 300000000 };

void progress_init(struct progress *p, bool quiet)
{
	memset(p, 0, sizeof(*p));
	p->quiet = quiet;
	p->terminal = isatty(STDERR_FILENO);
}

static struct progress_step *step_of(struct progress *p, const char *id, bool *fresh)
{
	*fresh = false;
	for (size_t i = 0; i < p->n; i++)
		if (id[0] && strcmp(p->steps[i].id, id) == 0)
			return &p->steps[i];
	if (p->n == PROGRESS_LINES_MAX)
		return NULL;
	*fresh = true;
	(void)snprintf(p->steps[p->n].id, sizeof(p->steps[p->n].id), "%s", id);
	return &p->steps[p->n++];
}

static void bar(struct buf *line, uint64_t now, uint64_t total)
{
	size_t done = total && now < total ? (size_t)(now * BAR_CELLS / total) : BAR_CELLS;
	char at[HUMAN_MAX], all[HUMAN_MAX];

	buf_puts(line, " [");
	for (size_t i = 0; i < BAR_CELLS; i++)
		buf_putc(line, i < done ? '=' : i == done ? '>' : ' ');
	buf_printf(line, "] %s/%s", human_size(now, 4, at), human_size(total, 4, all));
}

/* How fast it goes and how long that will take, once that can be said. */
static void pace(struct buf *line, const struct progress_step *step, const Cleat__V1__Progress *m)
{
	int64_t ns = fd_monotonic_ns() - step->since_ns;
	uint64_t moved = m->current_bytes - step->from_bytes, rate;
	char text[HUMAN_MAX];

	if (ns < PACE_NS || m->current_bytes <= step->from_bytes ||
	    m->total_bytes < m->current_bytes)
		return;
	rate = (uint64_t)((double)moved * 1e9 / (double)ns) + 1;
	buf_printf(line, " %s/s %llus", human_size(rate, 3, text),
		   (unsigned long long)((m->total_bytes - m->current_bytes) / rate));
}

static void compose(const struct progress_step *step, const Cleat__V1__Progress *m,
		    struct buf *line)
{
	char at[HUMAN_MAX];

	buf_printf(line, "%s%s%s", m->id, m->id[0] ? ": " : "", m->status);
	if (m->total_bytes) {
		bar(line, m->current_bytes, m->total_bytes);
		pace(line, step, m);
	} else if (m->current_bytes) {
		buf_printf(line, " %s", human_size(m->current_bytes, 4, at));
	}
}

static void draw(const struct progress *p, const struct progress_step *step, bool fresh,
		 const struct buf *line)
{
	uint32_t rows = 0, columns = 0;
	size_t up = p->n - (size_t)(step - p->steps);

	if (!term_size(STDERR_FILENO, &rows, &columns) || columns == 0)
		columns = COLUMNS;
	if (fresh)
		(void)fprintf(stderr, "%.*s\n", (int)columns - 1, line->data);
	else if (rows == 0 || up < rows)
		(void)fprintf(stderr, "\033[%zuA\r\033[K%.*s\033[%zuB\r", up, (int)columns - 1,
			      line->data, up);
}

void progress_show(struct progress *p, const Cleat__V1__Progress *m)
{
	cleanup(buf_deinit) struct buf line = BUF_NULL;
	bool fresh = false, changed;
	struct progress_step *step = p->quiet ? NULL : step_of(p, m->id, &fresh);

	if (!step)
		return;
	changed = fresh || strcmp(step->status, m->status) != 0;
	if (changed) {
		(void)snprintf(step->status, sizeof(step->status), "%s", m->status);
		step->since_ns = fd_monotonic_ns();
		step->from_bytes = m->current_bytes;
	}
	compose(step, m, &line);
	if (line.error)
		return;
	if (p->terminal)
		draw(p, step, fresh, &line);
	else if (changed && !m->total_bytes)
		(void)fprintf(stderr, "%s\n", line.data);
}
