/* SPDX-License-Identifier: Apache-2.0 */
/* The shim is a subreaper (prctl(2)): the runtime's children and all orphans of the container's execs
 * become its own. A child may end before its pid is known from the runtime's notice: while a runtime is at
 * work the statuses of strangers are kept. No longer, as its pid is another process's some day. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim.h"

int reap_exit_code(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void remember(struct shim *shim, pid_t pid, int status)
{
	if (shim->n_reaped == SHIM_REAPED_MAX) {
		memmove(shim->reaped, shim->reaped + 1,
			(SHIM_REAPED_MAX - 1) * sizeof(shim->reaped[0]));
		shim->n_reaped--;
	}
	shim->reaped[shim->n_reaped++] = (struct reaped){ pid, status };
}

bool reap_claim(struct shim *shim, pid_t pid, int *wait_status)
{
	for (unsigned i = shim->n_reaped; i-- > 0;) {
		if (shim->reaped[i].pid != pid)
			continue;
		*wait_status = shim->reaped[i].status;
		memmove(shim->reaped + i, shim->reaped + i + 1,
			(shim->n_reaped - i - 1) * sizeof(shim->reaped[0]));
		shim->n_reaped--;
		return true;
	}
	return false;
}

void reap_forget(struct shim *shim)
{
	shim->n_reaped = 0;
}

static void ended(struct shim *shim, pid_t pid, int status)
{
	struct exec *exec;

	if (pid == shim->status.pid) {
		life_exited(shim, status);
		return;
	}
	list_each (exec, &shim->execs, link)
		if (exec->pid == pid) {
			exec_exited(exec, status);
			return;
		}
	if (!list_empty(&shim->launches))
		remember(shim, pid, status);
}

static void signal_ready(struct source *src, uint32_t events)
{
	struct shim *shim = container_of(src, struct shim, signals);
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		ended(shim, pid, status);
}

int reap_open(struct shim *shim)
{
	sigset_t set;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	shim->signals = (struct source){
		.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
		.ready = signal_ready,
	};
	if (shim->signals.fd < 0)
		return -errno;
	return loop_add(&shim->loop, &shim->signals, EPOLLIN);
}
