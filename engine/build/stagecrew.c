/* SPDX-License-Identifier: Apache-2.0 */
/* Each thread takes the first stage that is ready and makes it. A stage that is not done yet is being made
 * by another thread or waits for one that is, so there is always somebody who wakes those who wait. */
#include "stagecrew.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "fd.h"
#include "stagework.h"
#include "thread.h"

enum { STACK_BYTES = 1 << 20, NOTHING_LEFT = -1, NOTHING_READY = -2 };

struct crew {
	struct build *b;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool taken[PLAN_STAGES_MAX];
	int result; /* of the stage that failed first */
	struct err err;
};

static bool is_ready(const struct crew *c, size_t stage)
{
	for (size_t i = 0; i < stage; i++)
		if (c->b->plan.v[stage].needs[i] && !c->b->stages[i].done)
			return false;
	return true;
}

static int choose(const struct crew *c)
{
	const struct plan *plan = &c->b->plan;
	int found = NOTHING_LEFT;

	for (size_t i = 0; c->result == 0 && i < plan->n; i++) {
		if (!plan->v[i].needed || c->taken[i])
			continue;
		if (is_ready(c, i))
			return (int)i;
		found = NOTHING_READY;
	}
	return found;
}

/* The next stage for this thread, or NOTHING_LEFT. */
static int take(struct crew *c)
{
	int stage;

	pthread_mutex_lock(&c->mutex);
	while ((stage = choose(c)) == NOTHING_READY)
		pthread_cond_wait(&c->changed, &c->mutex);
	if (stage >= 0)
		c->taken[stage] = true;
	pthread_mutex_unlock(&c->mutex);
	return stage;
}

static void finish(struct crew *c, int stage, int r, const struct err *err)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&c->mutex);
	c->b->stages[stage].done = r == 0;
	if (r < 0 && c->result == 0) {
		c->result = r;
		c->err = *err;
		(void)!fd_write_all(c->b->cancel_fds[1], &one, sizeof(one));
	}
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
}

static void *work(void *ctx)
{
	cleanup(image_packer_deinit) struct image_packer packer = IMAGE_PACKER_NULL;
	struct crew *c = ctx;
	int stage;

	while ((stage = take(c)) >= 0) {
		struct err err = ERR_NULL;

		packer.cancel_fds = c->b->cancel_fds;
		c->b->stages[stage].packer = &packer;
		int r = stagework_make(&c->b->stages[stage], c->b, (size_t)stage, &err);

		finish(c, stage, r, &err);
	}
	return NULL;
}

static size_t count_needed(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->v[i].needed;
	return n;
}

int stagecrew_make(struct build *b, struct err *err)
{
	cleanup_free struct crew *c = calloc(1, sizeof(*c));
	size_t wanted = count_needed(&b->plan), n = 0;
	pthread_t threads[STAGECREW_THREADS_MAX];
	int r = 0;

	b->cancel_fds[1] = eventfd(0, EFD_CLOEXEC);
	if (!c || b->cancel_fds[1] < 0)
		return err_sys(err, errno, "build");
	c->b = b;
	pthread_mutex_init(&c->mutex, NULL);
	thread_cond_init(&c->changed);
	while (r == 0 && n < wanted && n < STAGECREW_THREADS_MAX) {
		r = thread_start(&threads[n], STACK_BYTES, work, c);
		n += r == 0;
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mutex);
	if (n == 0)
		return err_sys(err, r, "start a thread");
	if (c->result && err)
		*err = c->err;
	return c->result;
}
