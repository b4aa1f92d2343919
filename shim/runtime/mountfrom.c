/* SPDX-License-Identifier: Apache-2.0 */
/* open_tree(2) clones mounts of the caller's namespace only. So a child goes to the other one, and sends the clone back,
 * which is in nobody's: whoever changes namespaces loses his root and working directory. */
#include "mountfrom.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"

static int clone_there(int ns_fd, const char *path, unsigned flags)
{
	cleanup_fd int root = -1, found = -1;
	int tree;

	if (setns(ns_fd, CLONE_NEWNS))
		return -errno;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	found = root < 0 ? -errno : fd_open_in_root(root, path, O_PATH | O_CLOEXEC, 0);
	if (found < 0)
		return found;
	tree = open_tree(found, "", AT_EMPTY_PATH | flags);
	return tree < 0 ? -errno : tree;
}

static void child(int sock, int ns_fd, const char *path, unsigned flags)
{
	int tree = clone_there(ns_fd, path, flags);
	int32_t error = tree < 0 ? tree : 0;

	_exit(fd_send(sock, &error, sizeof(error), &tree, tree >= 0, MSG_NOSIGNAL) < 0);
}

int mountfrom_open(int ns_fd, const char *path, unsigned flags, struct err *err)
{
	int pair[2], tree = -1;
	int32_t error = 0;
	size_t n = 1;
	ssize_t got;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, errno, "make a socket pair");
	cleanup_fd int ours = pair[0], theirs = pair[1];

	pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "fork");
	if (!pid)
		child(theirs, ns_fd, path, flags);
	closep(&theirs);
	theirs = -1;
	got = fd_recv(ours, &error, sizeof(error), &tree, &n, 0);
	(void)waitpid(pid, NULL, 0);
	if (got == sizeof(error) && n == 1)
		return tree;
	return err_sys(err, got == sizeof(error) ? error : -ESRCH,
		       "clone %s of another mount namespace", path);
}
