/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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

/* What is left is the page of this frame and one below it, which is written by the calls made here. */
void thread_trim_stack(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) - page;
	pthread_attr_t attr;
	void *start;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &start, &size) == 0 && end > (uintptr_t)start)
		(void)madvise(start, end - (uintptr_t)start, MADV_DONTNEED);
	pthread_attr_destroy(&attr);
}

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}
