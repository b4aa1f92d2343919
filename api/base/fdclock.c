/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <time.h>

#include "fd.h"

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t fd_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t fd_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int fd_timeout_ms(int ms, int64_t until_ns)
{
	int64_t left_ms = (until_ns - fd_monotonic_ns()) / 1000000 + 1;

	if (ms >= 0 && ms < left_ms)
		return ms;
	return left_ms <= 0 ? 0 : left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}
