/* SPDX-License-Identifier: Apache-2.0 */
/* The new engine gets the write end of a pipe as descriptor 3 and writes one byte when it serves; the
 * end of the pipe without a byte means that it failed. It is in a session of its own and may outlive
 * this engine by years. */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "str.h"

extern char **environ;

enum { READY_FD = 3, READY_MS = 30000 };

static int spawn(struct engine *engine, const char *binary, int ready_fd, pid_t *pid)
{
	char *const argv[] = { "cleatd",
			       "--state",
			       engine->state_dir,
			       "--run",
			       engine->run_dir,
			       "--replace",
			       engine->config_path ? "--config" : NULL,
			       engine->config_path,
			       NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int r = posix_spawnattr_init(&attr);

	if (!r)
		r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSID));
	r = posix_spawn_file_actions_adddup2(&actions, ready_fd, READY_FD);
	if (!r)
		r = posix_spawn(pid, binary, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -r;
}

static bool answered(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, READY_MS) == 1 && read(fd, &byte, 1) == 1;
}

pid_t upgrade_start(struct engine *engine, const char *binary, struct err *err)
{
	int ends[2];
	pid_t pid = 0;
	bool ready;
	int r;

	if (binary[0] != '/')
		return err_set(err, ERR_INVALID, "the path of the new engine is not absolute");
	if (access(binary, X_OK) < 0)
		return err_sys(err, errno, "upgrade to %s", binary);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "upgrade");
	r = spawn(engine, binary, ends[1], &pid);
	close(ends[1]);
	ready = r == 0 && answered(ends[0]);
	close(ends[0]);
	if (r < 0)
		return err_sys(err, r, "start %s", binary);
	if (ready)
		return pid;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return err_reason(err, ERR_PRECONDITION, "UPGRADE_FAILED",
			  "%s did not begin to serve; this engine goes on", binary);
}

void upgrade_leave(struct engine *engine)
{
	(void)engine;
	(void)kill(getpid(), SIGTERM);
}

static void notify_systemd(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[48];
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, n);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1\n", getpid());
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

void upgrade_ready(bool replaces)
{
	if (replaces) {
		(void)!write(READY_FD, "R", 1);
		close(READY_FD);
	}
	notify_systemd();
}
