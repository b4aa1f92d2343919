/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads take layers off a sorted list. What stops them is one descriptor, readable for good. */
#include "pulllayers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "fd.h"
#include "thread.h"

enum { STACK_BYTES = 512 << 10 };

struct work {
	struct engine *engine;
	struct registry *registry;
	struct layer_pull **order;
	size_t n, next;
	int stop_fd;
	unsigned int running;
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	int result; /* of the first that failed */
	struct err err;
};

static void stop(const struct work *w)
{
	(void)!eventfd_write(w->stop_fd, 1);
}

static struct layer_pull *next_layer(struct work *w)
{
	struct layer_pull *l = NULL;

	pthread_mutex_lock(&w->mutex);
	if (w->result == 0 && w->next < w->n)
		l = w->order[w->next++];
	pthread_mutex_unlock(&w->mutex);
	return l;
}

static void fail(struct work *w, int r, const struct err *err)
{
	pthread_mutex_lock(&w->mutex);
	if (w->result == 0) {
		w->result = r;
		w->err = *err;
	}
	pthread_mutex_unlock(&w->mutex);
	stop(w);
}

static void *work(void *ctx)
{
	struct work *w = ctx;
	cleanup(transfer_freep) struct transfer *transfer = NULL;
	struct err err = ERR_NULL;
	struct layer_pull *l;
	int r = registry_transfer(w->registry, w->stop_fd, &transfer, &err);

	while (r == 0 && (l = next_layer(w)))
		r = layer_pull_run(l, w->engine, w->registry, transfer, &err);
	if (r < 0)
		fail(w, r, &err);
	pthread_mutex_lock(&w->mutex);
	w->running--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static int larger_first(const void *a, const void *b)
{
	const struct layer_pull *x = *(struct layer_pull *const *)a,
				*y = *(struct layer_pull *const *)b;

	return (x->blob->size < y->blob->size) - (x->blob->size > y->blob->size);
}

static void wait_tick(struct work *w)
{
	int64_t at = fd_monotonic_ns() + PULL_TICK_MS * INT64_C(1000000);
	const struct timespec until = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };

	pthread_mutex_lock(&w->mutex);
	if (w->running)
		pthread_cond_timedwait(&w->ended, &w->mutex, &until);
	pthread_mutex_unlock(&w->mutex);
}

static unsigned int running(struct work *w)
{
	pthread_mutex_lock(&w->mutex);
	unsigned int n = w->running;
	pthread_mutex_unlock(&w->mutex);
	return n;
}

/* Starts the threads and sees them end. */
static int supervise(struct work *w, int (*tick)(void *ctx, struct err *err), void *ctx,
		     struct err *err)
{
	pthread_t threads[PULL_AT_ONCE];
	size_t n = 0;
	int r = 0;

	for (; r == 0 && n < PULL_AT_ONCE && n < w->n; n += r == 0) {
		w->running++;
		r = thread_start(&threads[n], STACK_BYTES, work, w);
	}
	if (r < 0) {
		w->running--;
		r = err_sys(err, r, "start a thread");
		stop(w);
	}
	do {
		wait_tick(w);
		if (r == 0 && (r = tick(ctx, err)) != 0)
			stop(w);
	} while (running(w));
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	r = r ? r : tick(ctx, err);
	if (r == 0 && w->result && err)
		*err = w->err;
	return r ? r : w->result;
}

int pull_layers(struct engine *engine, struct registry *registry, struct layer_pull *layers,
		size_t n, int (*tick)(void *ctx, struct err *err), void *ctx, struct err *err)
{
	cleanup_free struct layer_pull **order = calloc(n + 1, sizeof(struct layer_pull *));
	cleanup_fd int stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct work w = {
		.engine = engine, .registry = registry, .order = order, .stop_fd = stop_fd
	};

	if (!order || stop_fd < 0)
		return err_sys(err, order ? errno : ENOMEM, "pull");
	for (size_t i = 0; i < n; i++)
		if (layers[i].state == LAYER_WAITING)
			order[w.n++] = &layers[i];
	qsort(order, w.n, sizeof(struct layer_pull *), larger_first);
	pthread_mutex_init(&w.mutex, NULL);
	thread_cond_init(&w.ended);
	int r = supervise(&w, tick, ctx, err);

	pthread_cond_destroy(&w.ended);
	pthread_mutex_destroy(&w.mutex);
	return r;
}
