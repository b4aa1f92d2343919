/* SPDX-License-Identifier: Apache-2.0 */
/* There are never more jobs in the queue than threads that wait for one. */
#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "list.h"
#include "thread.h"

/* Stack: room for the deepest JSON the parser takes, in a build with sanitizers too; what is not used costs nothing. */
enum { STACK_BYTES = 2 << 20, KEPT_S = 2 };

struct job {
	struct list link;
	void (*work)(void *arg);
	void *arg;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queued;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct list queue = LIST_INIT(queue);
/* Under the mutex; a waiting thread for which a job is in the queue counts as at work. */
static unsigned at_work, waiting;

static void set_up(void)
{
	thread_cond_init(&queued);
}

/* The next job, or NULL when none has come for a while. */
static struct job *next(void)
{
	struct timespec until;
	struct job *job = NULL;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += KEPT_S;
	pthread_mutex_lock(&mutex);
	at_work--;
	waiting++;
	while (list_empty(&queue) && r == 0)
		r = pthread_cond_timedwait(&queued, &mutex, &until);
	if (list_empty(&queue)) {
		waiting--;
	} else {
		job = list_first(&queue, struct job, link);
		list_remove(&job->link);
	}
	pthread_mutex_unlock(&mutex);
	return job;
}

static void *run(void *arg)
{
	for (struct job *job = arg; job; job = next()) {
		job->work(job->arg);
		free(job);
	}
	return NULL;
}

/* Under the mutex: to a thread that waits, or to a new one. */
static int hand_out(struct job *job)
{
	pthread_t thread;
	int r;

	if (waiting) {
		waiting--;
		list_append(&queue, &job->link);
		pthread_cond_signal(&queued);
		return 0;
	}
	r = thread_start(&thread, STACK_BYTES, run, job);
	if (r == 0)
		pthread_detach(thread);
	return r;
}

int workers_run(void (*work)(void *arg), void *arg, unsigned max)
{
	struct job *job = calloc(1, sizeof(*job));
	int r = -EAGAIN;

	if (!job)
		return -ENOMEM;
	*job = (struct job){ .work = work, .arg = arg };
	pthread_once(&once, set_up);
	pthread_mutex_lock(&mutex);
	if (at_work < max)
		r = hand_out(job);
	if (r == 0)
		at_work++;
	pthread_mutex_unlock(&mutex);
	if (r < 0)
		free(job);
	return r;
}
