/* SPDX-License-Identifier: Apache-2.0 */
/* Both ways the sockets are descriptors from 3 on; a successor's next one is the end of a pipe. */
#include "succeed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"
#include "str.h"

enum { FIRST_FD = 3, HIGH_FD = 64, READY_MS = 10000 };

static const char successor_of[] = "CLEAT_GATEWAY_FDS"; /* how many sockets */

static int ready_fd = -1;

static int number_of(const char *name)
{
	const char *text = getenv(name);
	int64_t n = 0;

	return text && str_int_in(text, 0, HIGH_FD - FIRST_FD, &n) == 0 ? (int)n : 0;
}

static bool is_ours(void)
{
	const char *text = getenv("LISTEN_PID");
	int64_t pid = 0;

	return text && str_int_in(text, 1, INT32_MAX, &pid) == 0 && pid == getpid();
}

int succeed_inherited(int fds[], size_t n, struct err *err)
{
	int own = number_of(successor_of), given = own         ? own
						   : is_ours() ? number_of("LISTEN_FDS")
							       : 0;

	if (own) {
		ready_fd = FIRST_FD + own;
		(void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	}
	unsetenv(successor_of);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	if (given && (size_t)given != n)
		return err_set(err, ERR_INVALID,
			       "%d listening sockets are handed down for %zu --listen", given, n);
	for (int i = 0; i < given; i++) {
		fds[i] = FIRST_FD + i;
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0 ||
		    fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0)
			return err_sys(err, errno, "descriptor %d", fds[i]);
	}
	return given;
}

void succeed_ready(void)
{
	if (ready_fd < 0)
		return;
	(void)!write(ready_fd, "", 1);
	close(ready_fd);
	ready_fd = -1;
}

/* The descriptors to their places, by way of numbers that none of them has. */
static int place(posix_spawn_file_actions_t *actions, const int fds[], size_t n, int high[])
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
		if (high[i] < 0)
			return -errno;
		r = posix_spawn_file_actions_adddup2(actions, high[i], FIRST_FD + (int)i);
		if (r)
			return -r;
	}
	return 0;
}

/* The environment with one more variable (borrowed); free() the list alone. */
static char **environment_with(char *variable)
{
	size_t n = 0;
	char **out;

	while (environ[n])
		n++;
	out = calloc(n + 2, sizeof(*out));
	if (!out)
		return NULL;
	memcpy(out, environ, n * sizeof(*out));
	out[n] = variable;
	return out;
}

static int spawn(const char *path, char **argv, const int fds[], size_t n, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	cleanup_free char *sockets = str_printf("%s=%zu", successor_of, n - 1);
	cleanup_free char **env = sockets ? environment_with(sockets) : NULL;
	sigset_t none;
	int high[HIGH_FD], r = -ENOMEM;

	for (size_t i = 0; i < n; i++)
		high[i] = -1;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (env)
		r = place(&actions, fds, n, high);
	if (r == 0)
		r = -posix_spawn(pid, path, &actions, &attr, argv, env);
	for (size_t i = 0; i < n && high[i] >= 0; i++)
		close(high[i]);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return r;
}

int succeed_start(const char *path, char **argv, const int fds[], size_t n, struct err *err)
{
	cleanup_fd int mine = -1, theirs = -1;
	int all[HIGH_FD], ends[2], r;
	struct pollfd p;
	pid_t pid = 0;
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	mine = ends[0];
	theirs = ends[1];
	memcpy(all, fds, n * sizeof(all[0]));
	all[n] = theirs;
	r = spawn(path, argv, all, n + 1, &pid);
	if (r < 0)
		return err_sys(err, r, "start %s", path);
	close(steal_fd(&theirs));
	p = (struct pollfd){ .fd = mine, .events = POLLIN };
	if (poll(&p, 1, READY_MS) == 1 && read(mine, &byte, 1) == 1)
		return 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return err_set(err, ERR_UNAVAILABLE, "%s does not serve", path);
}
