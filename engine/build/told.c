/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "str.h"
#include "work.h"

static int tell(struct build *b, const struct build_event *event, struct err *err)
{
	pthread_mutex_lock(&b->mutex);
	int r = b->options->tell(b->options->ctx, event, err);

	pthread_mutex_unlock(&b->mutex);
	return r;
}

void told_begin(struct work *w, const char *text)
{
	const struct build *b = w->build;
	const struct stage *stage = &b->plan.v[w->number];
	char name[80] = "";

	if (stage->name)
		(void)snprintf(name, sizeof(name), "%.70s ", stage->name);
	else if (b->plan.n > 1)
		(void)snprintf(name, sizeof(name), "stage-%zu ", w->number);
	(void)snprintf(w->title, sizeof(w->title), "[%s%zu/%zu] %s", name, ++w->step, w->steps,
		       text);
	str_mend_utf8(w->title); /* who cuts may cut a character */
	told(w, BUILD_BEGIN);
}

void told(struct work *w, enum build_event_kind kind)
{
	const struct build_event event = { .kind = kind, .step = w->title };

	(void)!tell(w->build, &event, NULL);
}

int told_output(struct work *w, int stream, const void *data, size_t n, struct err *err)
{
	const struct build_event event = { BUILD_OUTPUT, w->title, stream, data, n };

	return tell(w->build, &event, err);
}

int told_wanted(struct build *b, const struct buf *paths, struct err *err)
{
	const struct build_event event = {
		.kind = BUILD_WANTED, .step = "", .data = paths->data, .len = paths->len
	};

	return tell(b, &event, err);
}

void told_note(struct build *b, const char *text)
{
	const struct build_event event = { .kind = BUILD_NOTE, .step = text };

	(void)!tell(b, &event, NULL);
}
