/* SPDX-License-Identifier: Apache-2.0 */
#include "buildprogress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "str.h"

static double since(const struct buildstep *s)
{
	int64_t until = s->ended_ns ? s->ended_ns : fd_monotonic_ns();

	return (double)(until - s->begun_ns) / 1e9;
}

static struct buildstep *find(struct buildprogress *p, const char *title)
{
	for (size_t i = p->n; i-- > 0;)
		if (strcmp(p->steps[i].title, title) == 0)
			return &p->steps[i];
	return NULL;
}

static size_t number(const struct buildprogress *p, const struct buildstep *s)
{
	return (size_t)(s - p->steps) + 1;
}

/* ---- plain lines */

/* Output of a step has its time in front; what the engine itself says has not. */
static void plain_line(struct buildprogress *p, struct buildstep *s, const char *text)
{
	if (s->title[0] == '[' && !str_has_prefix(s->title, "[internal]"))
		fprintf(stderr, "#%zu %.3f %s\n", number(p, s), since(s), text);
	else
		fprintf(stderr, "#%zu %s\n", number(p, s), text);
}

static void plain_end(struct buildprogress *p, struct buildstep *s)
{
	if (strcmp(s->status, "DONE") == 0)
		fprintf(stderr, "#%zu DONE %.1fs\n\n", number(p, s), since(s));
	else
		fprintf(stderr, "#%zu %s\n\n", number(p, s), s->status);
}

static void plain_begin(struct buildprogress *p)
{
	fprintf(stderr, "#%zu %s\n", p->n, p->steps[p->n - 1].title);
}

static void no_line(struct buildprogress *p, struct buildstep *s, const char *text)
{
	(void)p;
	(void)s;
	(void)text;
}

static void no_end(struct buildprogress *p, struct buildstep *s)
{
	(void)p;
	(void)s;
}

static void no_begin(struct buildprogress *p)
{
	(void)p;
}

static const struct {
	void (*begin)(struct buildprogress *p); /* the last step */
	void (*line)(struct buildprogress *p, struct buildstep *s, const char *text);
	void (*end)(struct buildprogress *p, struct buildstep *s);
} faces[] = {
	[BUILDPROGRESS_PLAIN] = { plain_begin, plain_line, plain_end },
	[BUILDPROGRESS_TTY] = { buildtty_draw, buildtty_line, buildtty_end },
	[BUILDPROGRESS_QUIET] = { no_begin, no_line, no_end },
};

/* ---- what is told */

static void begin(struct buildprogress *p, const char *title)
{
	struct buildstep *grown = realloc(p->steps, (p->n + 1) * sizeof(*grown));
	char *copy = strdup(title);

	if (grown)
		p->steps = grown;
	if (!grown || !copy) {
		free(copy);
		return;
	}
	p->steps[p->n++] = (struct buildstep){ .title = copy, .begun_ns = fd_monotonic_ns() };
	faces[p->face].begin(p);
}

static void end_line(struct buildprogress *p, struct buildstep *s, struct buf *line)
{
	faces[p->face].line(p, s, line->data ? line->data : "");
	buf_consume(line, line->len);
}

/* CACHED comes before the DONE of every step: the first counts. */
static void end(struct buildprogress *p, struct buildstep *s, const char *status, int64_t when_ns)
{
	for (size_t i = 0; i < ARRAY_LEN(s->lines); i++)
		if (s->lines[i].len)
			end_line(p, s, &s->lines[i]);
	if (s->ended_ns)
		return;
	s->ended_ns = when_ns;
	(void)snprintf(s->status, sizeof(s->status), "%s", status);
	faces[p->face].end(p, s);
}

static void put_output(struct buildprogress *p, struct buildstep *s,
		       const Cleat__V1__BuildReply__Output *output)
{
	struct buf *line =
		&s->lines[output->stream == CLEAT__V1__OUTPUT_STREAM__OUTPUT_STREAM_STDERR];

	for (size_t i = 0; i < output->data.len; i++) {
		char c = (char)output->data.data[i];

		if (c == '\n')
			end_line(p, s, line);
		else
			buf_putc(line, c);
	}
}

static void show_output(struct buildprogress *p, const Cleat__V1__BuildReply__Output *output)
{
	struct buildstep *s = find(p, output->step);

	if (s)
		put_output(p, s, output);
	else if (p->face != BUILDPROGRESS_QUIET)
		fprintf(stderr, "%.*s\n", (int)output->data.len, (const char *)output->data.data);
}

void buildprogress_show(struct buildprogress *p, const Cleat__V1__BuildReply *reply)
{
	if (reply->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_PROGRESS) {
		struct buildstep *s = find(p, reply->progress->id);

		if (strcmp(reply->progress->status, "BEGIN") == 0)
			begin(p, reply->progress->id);
		else if (s)
			end(p, s, reply->progress->status, fd_monotonic_ns());
	} else if (reply->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_OUTPUT) {
		show_output(p, reply->output);
	}
	fflush(stderr);
}

void buildprogress_begin(struct buildprogress *p, const char *title)
{
	begin(p, title);
	fflush(stderr);
}

void buildprogress_line(struct buildprogress *p, const char *title, const char *text)
{
	struct buildstep *s = find(p, title);

	if (s)
		faces[p->face].line(p, s, text);
	fflush(stderr);
}

void buildprogress_end(struct buildprogress *p, const char *title, int64_t when_ns)
{
	struct buildstep *s = find(p, title);

	if (s)
		end(p, s, "DONE", when_ns);
	fflush(stderr);
}

void buildprogress_deinit(struct buildprogress *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->steps[i].title);
		buf_deinit(&p->steps[i].lines[0]);
		buf_deinit(&p->steps[i].lines[1]);
		buf_deinit(&p->steps[i].kept);
	}
	free(p->steps);
	*p = (struct buildprogress){ 0 };
}
