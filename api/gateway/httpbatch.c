/* SPDX-License-Identifier: Apache-2.0 */
/* For each question at most one batch is at work and one waits. */
#include "httpbatch.h"

#include <errno.h>
#include <string.h>

#include "list.h"
#include "workers.h"

struct batch {
	struct list link;    /* in `batches`, until its handler has returned */
	struct list members; /* exchanges, the first is the one that the handler gets */
	char *question;
	bool at_work; /* nobody joins any more */
	unsigned max; /* threads */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list batches = LIST_INIT(batches);

void httpbatch_answer_unref(struct httpbatch_answer *answer)
{
	if (!answer || atomic_fetch_sub(&answer->refs, 1) > 1)
		return;
	MHD_destroy_response(answer->response);
	free(answer);
}

static void batch_free(struct batch *b)
{
	list_remove(&b->link);
	free(b->question);
	free(b);
}

/* ---- questions */

/* With all its bytes: one that is looked for by name is not found by a part of it, before %00. */
static enum MHD_Result add_parameter(void *arg, enum MHD_ValueKind kind, const char *key,
				     size_t key_size, const char *value, size_t value_size)
{
	struct buf *out = arg;

	(void)kind;
	buf_json_string(out, key, key_size);
	if (value)
		buf_json_string(out, value, value_size);
	buf_putc(out, '&');
	return MHD_YES;
}

/* All that an answer may depend on: the parameters, the path, and who asks. NULL without memory. */
static char *question_of(const struct exchange *e)
{
	struct buf out = BUF_NULL;

	if (!httpconn_is_tcp(e->client))
		buf_puts(&out, e->client_name);
	buf_printf(&out, " %s?", e->path);
	(void)MHD_get_connection_values_n(e->request.connection, MHD_GET_ARGUMENT_KIND,
					  add_parameter, &out);
	return buf_steal(&out);
}

/* ---- under the mutex */

static struct batch *find(const char *question, bool at_work)
{
	struct batch *b;

	list_each (b, &batches, link)
		if (b->at_work == at_work && strcmp(b->question, question) == 0)
			return b;
	return NULL;
}

static void work(void *arg);

static int start(struct batch *b)
{
	int r = workers_run(work, b, b->max);

	b->at_work = r == 0;
	return r;
}

/* Consumes the question. */
static int add_batch(struct exchange *e, char *question)
{
	struct batch *b = calloc(1, sizeof(*b));
	int r;

	if (!b) {
		free(question);
		return -ENOMEM;
	}
	*b = (struct batch){ .question = question, .max = e->service->limits.requests };
	list_init(&b->members);
	list_append(&b->members, &e->batched);
	list_append(&batches, &b->link);
	r = find(question, true) ? 0 : start(b);
	if (r < 0) {
		list_remove(&e->batched);
		batch_free(b);
	}
	return r;
}

int httpbatch_run(struct exchange *e)
{
	char *question = question_of(e);
	struct batch *waiting;
	int r = 0;

	if (!question)
		return -ENOMEM;
	pthread_mutex_lock(&mutex);
	waiting = find(question, false);
	if (waiting) {
		list_append(&waiting->members, &e->batched);
		free(question);
	} else {
		r = add_batch(e, question);
	}
	pthread_mutex_unlock(&mutex);
	return r;
}

/* ---- in the handler's thread */

static struct httpbatch_answer *answer_of(struct exchange *e, unsigned refs)
{
	struct httpbatch_answer *answer = calloc(1, sizeof(*answer));

	if (!answer)
		return NULL;
	answer->refs = refs;
	answer->response = exchange_response(e);
	if (answer->response)
		return answer;
	free(answer);
	return NULL;
}

static void give(struct exchange *e, const struct exchange *first, struct httpbatch_answer *answer)
{
	e->request.status = answer && !first->request.reply.error ? first->request.status : 500;
	e->request.route = first->request.route;
	e->outcome.sent_bytes = first->outcome.sent_bytes;
	e->answer = answer;
	exchange_finish(e);
}

static void give_all(struct list *members)
{
	struct exchange *first = list_first(members, struct exchange, batched), *e, *tmp;
	struct httpbatch_answer *answer;
	unsigned n = 0;

	list_each (e, members, batched)
		n++;
	answer = answer_of(first, n);
	list_remove(&first->batched);
	list_each_safe (e, tmp, members, batched) {
		list_remove(&e->batched);
		give(e, first, answer);
	}
	give(first, first, answer);
}

/* Those who have asked meanwhile: in this thread, without a pause. */
static struct batch *next_of(struct batch *done)
{
	struct batch *next;

	pthread_mutex_lock(&mutex);
	list_remove(&done->link);
	next = find(done->question, false);
	if (next)
		next->at_work = true;
	pthread_mutex_unlock(&mutex);
	return next;
}

static void work(void *arg)
{
	struct batch *b = arg, *next;

	for (; b; b = next) {
		struct exchange *first = list_first(&b->members, struct exchange, batched);

		first->service->handle(&first->request, first->service->arg);
		next = next_of(b);
		give_all(&b->members);
		batch_free(b);
	}
}
