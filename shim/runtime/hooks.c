/* SPDX-License-Identifier: Apache-2.0 */
/* A hook is a plain child; its document fits into a pipe's buffer or goes through a memory file, so
 * that neither side waits for the other. */
#include "hooks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "fd.h"

static void child(const struct plan_hook_entry *h, int in)
{
	const char *self[] = { h->path, NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)dup2(in, 0);
	(void)execve(h->path, (char *const *)(h->args.n ? h->args.item : self),
		     (char *const *)h->env.item);
	_exit(127);
}

static int run(const struct plan_hook_entry *h, const char *state, struct err *err)
{
	cleanup_fd int in = memfd_create("state", MFD_CLOEXEC);
	int status = 0, r;
	pid_t pid;

	if (in < 0)
		return err_sys(err, errno, "make a memory file");
	r = fd_write_all(in, state, strlen(state));
	if (r || lseek(in, 0, SEEK_SET))
		return err_sys(err, r ? r : errno, "write the state for hook %s", h->path);
	pid = fork();
	if (!pid)
		child(h, in);
	if (pid < 0)
		return err_sys(err, errno, "start hook %s", h->path);
	cleanup_fd int pidfd = h->timeout_s ? pidfd_open(pid, 0) : -1;
	if (pidfd >= 0) {
		struct pollfd p = { pidfd, POLLIN, 0 };

		if (poll(&p, 1, (int)h->timeout_s * 1000) == 0)
			(void)kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		return err_set(err, ERR_INTERNAL, "hook %s was killed by signal %d", h->path,
			       WTERMSIG(status));
	if (WEXITSTATUS(status))
		return err_set(err, ERR_INTERNAL, "hook %s exited with %d", h->path,
			       WEXITSTATUS(status));
	return 0;
}

int hooks_run(const struct plan *p, enum plan_hook moment, const char *state, struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < p->hooks[moment].n; i++)
		r = run(&p->hooks[moment].item[i], state ? state : "{}", err);
	return r;
}
