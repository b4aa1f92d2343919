/* SPDX-License-Identifier: Apache-2.0 */
/* A program that cannot be run is told apart from one that is not there, as shells do: 126 and 127.
 * The built-in init is this very process, with the program's user, capabilities and filter: it reaps
 * what is orphaned, passes signals on and exits as the program did. Nothing has to be mounted for it. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "apparmor.h"
#include "privs.h"
#include "str.h"

/* Our command line as execve(2) left it. */
static char *own_line;
static size_t own_line_size;

void launch_note_line(int argc, char **argv)
{
	char *end = argc > 0 ? argv[0] : NULL;

	for (int i = 0; i < argc; i++) {
		if (argv[i] != end)
			return; /* not one after the other */
		end += strlen(end) + 1;
	}
	own_line = argc > 0 ? argv[0] : NULL;
	own_line_size = argc > 0 ? (size_t)(end - argv[0]) : 0;
}

/* A pipe: the program begins when its init has closed all. */
static int ready[2] = { -1, -1 };

enum { CLOSED_ONE_BY_ONE = 4096 };

static void reap(pid_t program)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == program)
			_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void be_init(pid_t program)
{
	siginfo_t info;
	sigset_t all;

	(void)sigfillset(&all);
	/* its container may look: logs are written to by /proc/1/fd/1 */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	/* unless a filter refuses it; there are few: launch_let_go() */
	if (syscall(SYS_close_range, 3u, ~0u, 0u))
		for (int fd = 3; fd < CLOSED_ONE_BY_ONE; fd++)
			(void)close(fd);
	/* should it be open still, as a filter refuses that, too */
	(void)!write(ready[1], "", 1);
	for (;;) {
		int sig = sigwaitinfo(&all, &info);

		if (sig == SIGCHLD)
			reap(program);
		else if (sig > 0 && info.si_pid != program)
			(void)kill(program, sig);
	}
}

/* What ps shows in the container: not the runtime's command line, which has paths of the host. */
static void name_init(void)
{
	static const char name[] = "cleat-init";

	(void)prctl(PR_SET_NAME, name);
	if (!own_line)
		return;
	memset(own_line, 0, own_line_size);
	(void)snprintf(own_line, own_line_size, "%s", name);
}

static void wait_ready(void)
{
	char byte;

	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
}

int launch_init(const struct launch *l, struct err *err)
{
	sigset_t all, old;
	pid_t pid;

	if (!l->init)
		return 0;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "fork the program from its init");
	if (pid) {
		name_init();
		be_init(pid);
	}
	wait_ready();
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (l->process->terminal) {
		/* The program, not the init, gets the terminal's keys. */
		(void)setpgid(0, 0);
		(void)sigaddset(&old, SIGTTOU);
		(void)sigprocmask(SIG_SETMASK, &all, NULL);
		(void)tcsetpgrp(0, getpid());
		(void)sigdelset(&old, SIGTTOU);
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
	}
	return 0;
}

static int cwd_failed(const char *cwd, int *exit_code, struct err *err)
{
	*exit_code = errno == ENOENT || errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	return err_sys(err, errno, "enter the working directory %s", cwd);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* All descriptors from `first` on but these, which are sorted. */
static void close_but(int first, int *keep, size_t n)
{
	qsort(keep, n, sizeof(*keep), compare);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > first)
			(void)syscall(SYS_close_range, first, keep[i] - 1, 0u);
		if (keep[i] >= first)
			first = keep[i] + 1;
	}
	(void)syscall(SYS_close_range, first, ~0u, 0u);
}

void launch_let_go(const struct launch *l, const int *keep, size_t n)
{
	int all[LAUNCH_KEEP_MAX + 1] = { l->proc };

	memcpy(all + 1, keep, n * sizeof(*keep));
	close_but(3 + (int)l->preserve, all, n + 1);
	for (char **e = environ; e && *e; e++)
		memset(*e, 0, strlen(*e));
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int launch_prepare(const struct launch *l, int *exit_code, struct err *err)
{
	const struct plan_process *p = l->process;
	char here[PATH_MAX];
	bool inside =
		!chdir(p->cwd); /* some directories open only to root, some only to the user */
	/* As late as can be: with few descriptors nothing can be opened, and as root: one may be raised. */
	int proc = l->proc;
	int r = apparmor_apply(p->apparmor, &proc, err);

	if (!r && l->init && pipe2(ready, O_CLOEXEC))
		return err_sys(err, errno, "make a pipe");
	r = r ? r : privs_limits(p, err);
	r = r || l->forks ? r : privs_processes(p, err);
	r = r ? r : privs_user(p, err);
	if (!r && !inside && chdir(p->cwd))
		return cwd_failed(p->cwd, exit_code, err);
	if (!r && !getcwd(here, sizeof(here))) /* a link of the image led out of the root */
		return err_set(err, ERR_PERMISSION,
			       "the working directory %.80s is not below the "
			       "container's root",
			       p->cwd);
	/* a filter may refuse it, and what is opened from here on is born so */
	if (!r && syscall(SYS_close_range, 3 + l->preserve, ~0u, CLOSE_RANGE_CLOEXEC))
		return err_sys(err, errno, "close descriptors");
	return r ? r : privs_confine(p, l->filter, l->init, err);
}

static const char *path_of(const struct plan_process *p)
{
	for (size_t i = 0; i < p->env.n; i++)
		if (str_has_prefix(p->env.item[i], "PATH="))
			return p->env.item[i] + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static void exec_one(const struct plan_process *p, const char *file)
{
	(void)execve(file, (char *const *)p->args.item, (char *const *)p->env.item);
}

/* Tries each directory of PATH; errno is that of the most telling failure. */
static void exec_in_path(const struct plan_process *p)
{
	const char *name = p->args.item[0], *path = path_of(p);
	int told = ENOENT;

	while (*path) {
		size_t n = strcspn(path, ":");
		char file[PATH_MAX];

		if (n + strlen(name) + 2 < sizeof(file)) {
			(void)snprintf(file, sizeof(file), "%.*s%s%s", (int)n, path, n ? "/" : "./",
				       name);
			exec_one(p, file);
			if (errno != ENOENT && errno != ENOTDIR)
				told = errno;
			if (told != ENOENT && told != EACCES)
				break;
		}
		path += n + (path[n] == ':');
	}
	errno = told;
}

/* What the engine, the shim or their parents ignore is not the container's to inherit: with SIGPIPE ignored
 * `yes | head` never ends. By the system call, as libc keeps some signals to itself. */
static void reset_signals(void)
{
	/* The kernel's struct sigaction: handler, flags, restorer, mask. */
	static const uint64_t by_default[4];
	sigset_t none;

	for (int number = 1; number <= 64; number++)
		(void)syscall(SYS_rt_sigaction, number, by_default, NULL, sizeof(uint64_t));
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int launch_exec(const struct launch *l, int *exit_code, struct err *err)
{
	const struct plan_process *p = l->process;
	const char *name = p->args.item[0];
	bool in_path = !strchr(name, '/');

	reset_signals();
	if (in_path && *name)
		exec_in_path(p);
	else
		exec_one(p, name);
	*exit_code = errno == ENOENT || errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	if (errno == ENOENT && in_path)
		return err_set(err, ERR_NOT_FOUND,
			       "exec: \"%.100s\": executable file not found in $PATH", name);
	/* Docker's clients tell 126 and 127 by these words, in lower case. */
	if (errno == EACCES)
		return err_set(err, ERR_PERMISSION, "exec: \"%.100s\": permission denied", name);
	if (errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND,
			       "exec: \"%.100s\": stat %.100s: no such file or directory", name,
			       name);
	return err_sys(err, errno, "exec: \"%.120s\"", name);
}
