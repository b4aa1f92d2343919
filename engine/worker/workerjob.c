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

#include "fault.h"
#include "fd.h"
#include "str.h"

enum { RESULT_MAX = 8 << 20 };

/* Descriptors as the worker has them: fds[i] becomes 3 + i. */
struct handed {
	int fds[3 + WORKER_EXTRA_MAX];
	size_t n;
};

static void handed_deinit(struct handed *h)
{
	for (size_t i = 0; i < h->n; i++)
		close(h->fds[i]);
}

static int hand(struct handed *h, int fd, size_t total)
{
	/* Out of the way of the worker's numbers, so that no dup2 overwrites another's source. */
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3 + (int)total);

	if (own < 0)
		return -errno;
	h->fds[h->n++] = own;
	return 0;
}

static int hand_all(struct handed *h, const struct worker_call *call, int result_fd)
{
	const int standard[] = { call->stream_fd, call->dir_fd, result_fd };
	size_t total = ARRAY_LEN(standard) + call->n_extra;
	int r = call->n_extra > WORKER_EXTRA_MAX ? -E2BIG : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(standard); i++)
		r = hand(h, standard[i], total);
	for (size_t i = 0; r == 0 && i < call->n_extra; i++)
		r = hand(h, call->extra[i], total);
	return r;
}

static int spawn(struct worker *worker, const char *path, char *const *argv,
		 const struct handed *handed)
{
	cleanup_free char *fault = fault_environment();
	char *envp[] = { (char *)"LC_ALL=C.UTF-8", fault, NULL };
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
	for (size_t i = 0; i < handed->n; i++)
		posix_spawn_file_actions_adddup2(&actions, handed->fds[i], 3 + (int)i);
	int r = posix_spawn(&worker->pid, path, &actions, &attr, argv, envp);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

int worker_start(struct worker *worker, const char *bin_dir, const char *job, int in_fd, int dir_fd,
		 struct err *err)
{
	const struct worker_call call = { .job = job, .stream_fd = in_fd, .dir_fd = dir_fd };

	return worker_start_call(worker, bin_dir, &call, err);
}

/* cleat-worker JOB WORD...; owned, its words borrowed. */
static const char **arguments(const struct worker_call *call)
{
	size_t n = 0;

	while (call->words && call->words[n])
		n++;
	const char **argv = calloc(n + 3, sizeof(*argv));

	if (!argv)
		return NULL;
	argv[0] = "cleat-worker";
	argv[1] = call->job;
	for (size_t i = 0; i < n; i++)
		argv[2 + i] = call->words[i];
	return argv;
}

int worker_start_call(struct worker *worker, const char *bin_dir, const struct worker_call *call,
		      struct err *err)
{
	cleanup(handed_deinit) struct handed handed = { .n = 0 };
	cleanup_free char *path = str_path(bin_dir, "cleat-worker");
	cleanup_free const char **argv = arguments(call);
	int r = path && argv ? 0 : -ENOMEM;

	worker->result_fd = memfd_create("cleat-result", MFD_CLOEXEC);
	if (r == 0 && worker->result_fd < 0)
		r = -errno;
	r = r ? r : hand_all(&handed, call, worker->result_fd);
	r = r ? r : spawn(worker, path, (char *const *)argv, &handed);
	return r < 0 ? err_sys(err, r, "start cleat-worker") : 0;
}

int worker_verdict(struct buf *lines, struct err *err)
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

	return r < 0 ? err_sys(err, r, "read cleat-worker's result") : worker_verdict(lines, err);
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
