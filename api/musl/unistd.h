/* SPDX-License-Identifier: Apache-2.0 */
/* close_range(2) and execveat(2) for musl. */
#pragma once

#include_next <unistd.h>

#include <sys/syscall.h>

static inline int close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int execveat(int dirfd, const char *path, char *const argv[], char *const envp[],
			   int flags)
{
	return (int)syscall(SYS_execveat, dirfd, path, argv, envp, flags);
}
