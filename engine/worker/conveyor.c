/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of blocks. `put` counts what was filled, `taken` what was taken away, both for ever; the block at
 * hand is put % BLOCKS for one thread and taken % BLOCKS for the other. */
#include "conveyor.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { BLOCKS = 8, STACK_BYTES = 256 << 10 };

struct conveyor {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	char *blocks;
	size_t filled[BLOCKS];
	size_t at;         /* bytes in the block at hand */
	size_t put, taken; /* blocks */
	bool running, stopping;
	conveyor_take_fn *take;
	void *ctx;
	int result;
	struct err err;
};

static char *block(struct conveyor *c, size_t n)
{
	return c->blocks + n % BLOCKS * CONVEYOR_BLOCK;
}

/* With the mutex held. What comes after a failure is only counted. */
static void take_one(struct conveyor *c)
{
	size_t n = c->taken;
	int r = c->result;

	pthread_mutex_unlock(&c->mutex);
	if (r == 0)
		r = c->take(c->ctx, block(c, n), c->filled[n % BLOCKS], &c->err);
	pthread_mutex_lock(&c->mutex);
	c->taken++;
	c->result = c->result ? c->result : r;
	pthread_cond_broadcast(&c->changed);
}

static void *run(void *arg)
{
	struct conveyor *c = arg;

	pthread_mutex_lock(&c->mutex);
	c->running = true;
	pthread_cond_broadcast(&c->changed);
	while (!c->stopping) {
		if (c->taken < c->put)
			take_one(c);
		else
			pthread_cond_wait(&c->changed, &c->mutex);
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

/* When it returns the thread has made the system calls that a beginning takes. */
static int start(struct conveyor *c)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	r = pthread_create(&c->thread, &attr, run, c);
	pthread_attr_destroy(&attr);
	pthread_mutex_lock(&c->mutex);
	while (r == 0 && !c->running)
		pthread_cond_wait(&c->changed, &c->mutex);
	pthread_mutex_unlock(&c->mutex);
	return -r;
}

int conveyor_new(struct conveyor **out, struct err *err)
{
	struct conveyor *c = calloc(1, sizeof(*c));
	void *blocks = NULL;
	int r = c && !posix_memalign(&blocks, CONVEYOR_ALIGN, (size_t)BLOCKS * CONVEYOR_BLOCK)
			? 0
			: -ENOMEM;

	if (r == 0) {
		c->blocks = blocks;
		pthread_mutex_init(&c->mutex, NULL);
		pthread_cond_init(&c->changed, NULL);
		r = start(c);
	}
	if (r < 0) {
		free(blocks);
		free(c);
		return err_sys(err, r, "start a thread");
	}
	*out = c;
	return 0;
}

struct conveyor *conveyor_free(struct conveyor *c)
{
	if (!c)
		return NULL;
	pthread_mutex_lock(&c->mutex);
	c->stopping = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
	pthread_join(c->thread, NULL);
	free(c->blocks);
	free(c);
	return NULL;
}

void conveyor_begin(struct conveyor *c, conveyor_take_fn *take, void *ctx)
{
	c->take = take;
	c->ctx = ctx;
	c->at = 0;
	c->result = 0;
	c->err = ERR_NULL;
}

char *conveyor_room(struct conveyor *c, size_t *n)
{
	int r;

	pthread_mutex_lock(&c->mutex);
	while (c->put - c->taken == BLOCKS)
		pthread_cond_wait(&c->changed, &c->mutex);
	r = c->result;
	pthread_mutex_unlock(&c->mutex);
	*n = CONVEYOR_BLOCK - c->at;
	return r ? NULL : block(c, c->put) + c->at;
}

/* Hands the block at hand over. */
static void hand_over(struct conveyor *c)
{
	pthread_mutex_lock(&c->mutex);
	c->filled[c->put % BLOCKS] = c->at;
	c->put++;
	c->at = 0;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
}

void conveyor_put(struct conveyor *c, size_t n)
{
	c->at += n;
	if (c->at == CONVEYOR_BLOCK)
		hand_over(c);
}

int conveyor_end(struct conveyor *c, bool cancel, struct err *err)
{
	int r;

	if (c->at && !cancel)
		hand_over(c);
	pthread_mutex_lock(&c->mutex);
	if (cancel && !c->result)
		c->result = -ECANCELED;
	while (c->taken < c->put)
		pthread_cond_wait(&c->changed, &c->mutex);
	r = c->result;
	pthread_mutex_unlock(&c->mutex);
	if (r < 0 && err && c->err.code)
		*err = c->err;
	return r;
}
