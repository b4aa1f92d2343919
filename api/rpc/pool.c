/* SPDX-License-Identifier: Apache-2.0 */
/* One queue, one condition. A thread that looks for work takes the first job it may run: a bounded
 * one only while fewer than `limit` of them run. A thread is started when no idle one is left for the
 * jobs queued; threads are detached, and pool_free() waits for their count to reach zero. */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct list jobs;
	unsigned limit, max_streams;
	unsigned bounded, streams; /* running; streams: queued or running */
	unsigned threads, idle, queued;
	bool stop;
	pthread_attr_t attr;
};

enum { IDLE_S = 10 };

int pool_new(struct pool **out, unsigned limit, unsigned max_streams, size_t stack_bytes)
{
	struct pool *p = calloc(1, sizeof(*p));
	pthread_condattr_t monotonic;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->work, &monotonic);
	pthread_cond_init(&p->ended, NULL);
	pthread_condattr_destroy(&monotonic);
	list_init(&p->jobs);
	p->limit = limit;
	p->max_streams = max_streams;
	pthread_attr_init(&p->attr);
	pthread_attr_setdetachstate(&p->attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&p->attr, stack_bytes);
	*out = p;
	return 0;
}

static struct job *next_job(struct pool *p)
{
	struct job *job;

	list_each (job, &p->jobs, link) {
		if (job->bounded && p->bounded >= p->limit)
			continue;
		list_remove(&job->link);
		p->queued--;
		p->bounded += job->bounded;
		return job;
	}
	return NULL;
}

static void *worker(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *job = next_job(p);
		struct timespec until;
		bool bounded;

		if (job) {
			bounded = job->bounded;
			pthread_mutex_unlock(&p->lock);
			job->run(job); /* may free the job */
			pthread_mutex_lock(&p->lock);
			if (bounded)
				p->bounded--;
			else
				p->streams--;
			continue;
		}
		if (p->stop)
			break;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += IDLE_S;
		p->idle++;
		int r = pthread_cond_timedwait(&p->work, &p->lock, &until);
		p->idle--;
		if (r == ETIMEDOUT && list_empty(&p->jobs))
			break;
	}
	p->threads--;
	pthread_cond_broadcast(&p->ended);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int pool_run(struct pool *p, struct job *job)
{
	pthread_t thread;
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->stop || (!job->bounded && p->streams >= p->max_streams)) {
		pthread_mutex_unlock(&p->lock);
		return -EAGAIN;
	}
	list_init(&job->link);
	list_append(&p->jobs, &job->link);
	p->queued++;
	p->streams += !job->bounded;
	if (p->idle >= p->queued) {
		pthread_cond_signal(&p->work);
	} else if (!job->bounded || p->bounded < p->limit) {
		if (pthread_create(&thread, &p->attr, worker, p) == 0) {
			p->threads++;
		} else if (!job->bounded || p->threads == 0) {
			list_remove(&job->link);
			p->queued--;
			p->streams -= !job->bounded;
			r = -EAGAIN;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	while (p->threads)
		pthread_cond_wait(&p->ended, &p->lock);
	pthread_mutex_unlock(&p->lock);
	pthread_attr_destroy(&p->attr);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
