/* SPDX-License-Identifier: Apache-2.0 */
/* The result is a memory file and no pipe: a worker never waits for the engine to read. */
#include "workerjob.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fd.h"
#include "str.h"

enum { RESULT_MAX = 8 << 20, FD_HIGH = 10 };

static int spawn(struct worker *worker, const char *path, const char *job, const int fds[3])
{
	char *argv[] = { (char *)"cleat-worker", (char *)job, NULL };
	char *envp[] = { (char *)"LC_ALL=C.UTF-8", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, fds[i], 3 + i);
	int r = posix_spawn(&worker->pid, path, &actions, &attr, argv, envp);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

int worker_start(struct worker *worker, const char *bin_dir, const char *job, int in_fd, int dir_fd,
		 struct err *err)
{
	cleanup_free char *path = str_path(bin_dir, "cleat-worker");

	worker->result_fd = memfd_create("cleat-result", MFD_CLOEXEC);
	/* Out of the way of 3, 4, 5, so that no dup2 overwrites another's source. */
	cleanup_fd int in = fcntl(in_fd, F_DUPFD_CLOEXEC, FD_HIGH);
	cleanup_fd int dir = fcntl(dir_fd, F_DUPFD_CLOEXEC, FD_HIGH);
	cleanup_fd int out = fcntl(worker->result_fd, F_DUPFD_CLOEXEC, FD_HIGH);

	if (!path || in < 0 || dir < 0 || out < 0)
		return err_sys(err, errno, "start cleat-worker");
	int r = spawn(worker, path, job, (const int[]){ in, dir, out });

	return r < 0 ? err_sys(err, r, "start %s", path) : 0;
}

/* Cuts the last line off and returns what it says. */
static int verdict(struct buf *lines, struct err *err)
{
	int code = 0, at = 0;

	if (lines->len == 0 || lines->data[lines->len - 1] != '\n')
		return err_set(err, ERR_INTERNAL, "cleat-worker died");
	lines->data[--lines->len] = '\0';
	char *last = memrchr(lines->data, '\n', lines->len);

	last = last ? last + 1 : lines->data;
	lines->len = (size_t)(last - lines->data);
	if (strcmp(last, "ok") == 0) {
		*last = '\0';
		return 0;
	}
	if (sscanf(last, "error %d %n", &code, &at) != 1 || at == 0 || code <= 0 ||
	    code >= ERR_N_CODES)
		return err_set(err, ERR_INTERNAL, "cleat-worker died");
	return err_set(err, (enum err_code)code, "%s", last + at);
}

int worker_finish(struct worker *worker, struct buf *lines, struct err *err)
{
	char path[64];
	int status;

	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	worker->pid = 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", worker->result_fd);
	int r = fd_read_file(AT_FDCWD, path, RESULT_MAX, lines);

	return r < 0 ? err_sys(err, r, "read cleat-worker's result") : verdict(lines, err);
}

void worker_deinit(struct worker *worker)
{
	if (worker->pid > 0) {
		kill(worker->pid, SIGKILL);
		while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (worker->result_fd >= 0)
		close(worker->result_fd);
	*worker = WORKER_NULL;
}
