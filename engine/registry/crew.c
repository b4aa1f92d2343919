/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads take items off a list. What stops them is one descriptor, readable for good. */
#include "crew.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "fd.h"
#include "thread.h"

enum { STACK_BYTES = 512 << 10 };

struct work {
	const struct crew *crew;
	size_t next;
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

static void *next_item(struct work *w)
{
	void *item = NULL;

	pthread_mutex_lock(&w->mutex);
	if (w->result == 0 && w->next < w->crew->n)
		item = w->crew->items[w->next++];
	pthread_mutex_unlock(&w->mutex);
	return item;
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
	const struct crew *crew = w->crew;
	cleanup(transfer_freep) struct transfer *transfer = NULL;
	struct err err = ERR_NULL;
	void *item;
	int r = crew->registry ? registry_transfer(crew->registry, w->stop_fd, &transfer, &err) : 0;

	while (r == 0 && (item = next_item(w)))
		r = crew->run(crew->ctx, item, transfer, &err);
	if (r < 0)
		fail(w, r, &err);
	pthread_mutex_lock(&w->mutex);
	w->running--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static void wait_tick(struct work *w)
{
	int64_t at = fd_monotonic_ns() + CREW_TICK_MS * INT64_C(1000000);
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
static int supervise(struct work *w, struct err *err)
{
	const struct crew *crew = w->crew;
	pthread_t threads[CREW_THREADS_MAX];
	size_t n = 0, most = crew->threads ? crew->threads : CREW_THREADS;
	int r = 0;

	for (; r == 0 && n < most && n < ARRAY_LEN(threads) && n < crew->n; n += r == 0) {
		pthread_mutex_lock(&w->mutex);
		r = thread_start(&threads[n], STACK_BYTES, work, w);
		w->running += r == 0;
		pthread_mutex_unlock(&w->mutex);
	}
	if (r < 0) {
		r = err_sys(err, r, "start a thread");
		stop(w);
	}
	do {
		wait_tick(w);
		if (r == 0 && (r = crew->tick(crew->ctx, err)) != 0)
			stop(w);
	} while (running(w));
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	r = r ? r : crew->tick(crew->ctx, err);
	if (r == 0 && w->result && err)
		*err = w->err;
	return r ? r : w->result;
}

int crew_run(const struct crew *crew, struct err *err)
{
	cleanup_fd int stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct work w = { .crew = crew, .stop_fd = stop_fd };

	if (stop_fd < 0)
		return err_sys(err, errno, "eventfd");
	if (crew->stop_fd)
		*crew->stop_fd = stop_fd;
	pthread_mutex_init(&w.mutex, NULL);
	thread_cond_init(&w.ended);
	int r = supervise(&w, err);

	pthread_cond_destroy(&w.ended);
	pthread_mutex_destroy(&w.mutex);
	return r;
}
