/* SPDX-License-Identifier: Apache-2.0 */
/* A process with threads cannot enter a new user namespace, and its maps are written from outside: so both namespaces come
 * with a process that waits until they are held, or until the engine is gone. As a copy of one thread of many it may find any
 * lock taken, also libc's: it makes system calls and nothing else. */
#include "ownedns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "fd.h"

/* With no other descriptor of the engine's, which others may wait for the end of. */
static void wait_for_end(int fd)
{
	char byte;

	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)syscall(SYS_close_range, 0u, (unsigned int)fd - 1, 0u);
	(void)syscall(SYS_close_range, (unsigned int)fd + 1, ~0u, 0u);
	(void)syscall(SYS_read, fd, &byte, 1);
	(void)syscall(SYS_exit_group, 0);
}

static int write_map(pid_t pid, const char *file, const struct idrange *ids, struct err *err)
{
	char path[64], text[40];
	int n = snprintf(text, sizeof(text), "0 %u %u\n", ids->first, ids->n);

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, (size_t)n) == n ? 0
							  : err_sys(err, errno, "write %s", file);
}

static int take(pid_t pid, const struct idrange *ids, struct err *err)
{
	char path[64];
	int r = write_map(pid, "uid_map", ids, err), fd;

	r = r ? r : write_map(pid, "gid_map", ids, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : err_sys(err, errno, "open a network namespace");
}

int ownedns_make(const struct idrange *ids, struct err *err)
{
	struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_NEWNET };
	int ends[2], fd;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		wait_for_end(ends[0]);
	fault_point(FAULT_USERNS_PROCESS_MADE);
	fd = pid < 0 ? err_sys(err, errno, "make a user namespace") : take(pid, ids, err);
	fault_point(FAULT_USERNS_MAPPED);
	close(ends[1]);
	close(ends[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, __WALL);
	return fd;
}
