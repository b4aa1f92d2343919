/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include <time.h>

int thread_start(pthread_t *out, size_t stack_bytes, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	r = pthread_attr_setstacksize(&attr, stack_bytes);
	if (r == 0)
		r = pthread_create(out, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return -r;
}

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}
