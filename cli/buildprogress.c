/* SPDX-License-Identifier: Apache-2.0 */
#include "buildprogress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "fd.h"

struct buildstep {
	char *title;
	int64_t begun_ns;
	struct buf lines[2]; /* of stdout and stderr, not ended yet */
	bool told;           /* its end */
};

static double since(const struct buildstep *s)
{
	return (double)(fd_monotonic_ns() - s->begun_ns) / 1e9;
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
	fprintf(stderr, "#%zu %s\n", p->n, title);
}

/* Output of a step has its time in front; what the engine itself says has not. */
static void put_line(const struct buildprogress *p, const struct buildstep *s, struct buf *line)
{
	const char *text = line->data ? line->data : "";

	if (s->title[0] == '[')
		fprintf(stderr, "#%zu %.3f %s\n", number(p, s), since(s), text);
	else
		fprintf(stderr, "#%zu %s\n", number(p, s), text);
	buf_consume(line, line->len);
}

static void end(struct buildprogress *p, struct buildstep *s, const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(s->lines); i++)
		if (s->lines[i].len)
			put_line(p, s, &s->lines[i]);
	if (s->told) /* CACHED, then DONE */
		return;
	s->told = true;
	if (strcmp(status, "DONE") == 0)
		fprintf(stderr, "#%zu DONE %.1fs\n\n", number(p, s), since(s));
	else
		fprintf(stderr, "#%zu %s\n\n", number(p, s), status);
}

static void put_output(const struct buildprogress *p, struct buildstep *s,
		       const Cleat__V1__BuildReply__Output *output)
{
	struct buf *line =
		&s->lines[output->stream == CLEAT__V1__OUTPUT_STREAM__OUTPUT_STREAM_STDERR];

	for (size_t i = 0; i < output->data.len; i++) {
		char c = (char)output->data.data[i];

		if (c == '\n')
			put_line(p, s, line);
		else
			buf_putc(line, c);
	}
}

void buildprogress_show(struct buildprogress *p, const Cleat__V1__BuildReply *reply)
{
	struct buildstep *s;

	if (p->quiet)
		return;
	if (reply->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_PROGRESS) {
		s = find(p, reply->progress->id);
		if (strcmp(reply->progress->status, "BEGIN") == 0)
			begin(p, reply->progress->id);
		else if (s)
			end(p, s, reply->progress->status);
	} else if (reply->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_OUTPUT) {
		s = find(p, reply->output->step);
		if (s)
			put_output(p, s, reply->output);
		else
			fprintf(stderr, "%.*s\n", (int)reply->output->data.len,
				(const char *)reply->output->data.data);
	}
	fflush(stderr);
}

void buildprogress_deinit(struct buildprogress *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->steps[i].title);
		buf_deinit(&p->steps[i].lines[0]);
		buf_deinit(&p->steps[i].lines[1]);
	}
	free(p->steps);
	*p = (struct buildprogress){ 0 };
}
