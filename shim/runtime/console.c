/* SPDX-License-Identifier: Apache-2.0 */
/* The pty is made from the container's own devpts, by the container's process, so that it shows up
 * there as /dev/pts/0; its master leaves over a socket, as runc does it. */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>

#include "fd.h"
#include "mounts.h"

int console_connect(const char *path, struct err *err)
{
	int fd = fd_unix_connect(AT_FDCWD, path, SOCK_STREAM);

	return fd >= 0 ? fd : err_sys(err, fd, "connect to the console socket %s", path);
}

static int bind_console(int root, int slave, struct err *err)
{
	cleanup_fd int tree =
		open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	cleanup_fd int target = mounts_target(root, "/dev/console", false, err);

	if (target < 0)
		return target;
	if (tree < 0 ||
	    move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return err_sys(err, errno, "mount /dev/console");
	return 0;
}

int console_open(const struct plan_process *p, int root, int socket, bool bind, struct err *err)
{
	struct winsize size = { .ws_row = p->rows, .ws_col = p->cols };
	int zero = 0, r;
	cleanup_fd int master =
		fd_open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);

	if (master < 0)
		return err_sys(err, master, "open a terminal at /dev/pts/ptmx");
	if (ioctl(master, TIOCSPTLCK, &zero))
		return err_sys(err, errno, "unlock the terminal");
	cleanup_fd int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(err, errno, "open the terminal's other end");
	if (p->rows && p->cols && ioctl(slave, TIOCSWINSZ, &size))
		return err_sys(err, errno, "set the terminal's size");
	if (p->uid && fchown(slave, p->uid, p->gid))
		return err_sys(err, errno, "give the terminal to user %u", p->uid);
	r = bind ? bind_console(root, slave, err) : 0;
	if (r)
		return r;
	r = fd_send(socket, "/dev/ptmx", 9, &master, 1, MSG_NOSIGNAL);
	if (r)
		return err_sys(err, r, "hand the terminal over");
	for (int i = 0; i < 3; i++)
		if (dup2(slave, i) < 0)
			return err_sys(err, errno, "use the terminal as stdio");
	return 0;
}

int console_take(struct err *err)
{
	return ioctl(0, TIOCSCTTY, 0) ? err_sys(err, errno, "take the terminal") : 0;
}

int console_receive(int socket, struct err *err)
{
	int fds[FD_PASS_MAX], fd = -1;
	size_t n = FD_PASS_MAX;
	char text[64];
	ssize_t r = fd_recv(socket, text, sizeof(text), fds, &n, 0);

	for (size_t i = 0; r > 0 && i < n; i++) {
		if (fd < 0)
			fd = fds[i];
		else
			close(fds[i]);
	}
	return fd >= 0 ? fd : err_sys(err, r < 0 ? (int)r : EPIPE, "receive the terminal");
}

struct relay {
	struct termios saved;
	bool raw;
};

static void relay_begin(struct relay *r, int master)
{
	struct termios raw;
	struct winsize size;

	r->raw = !tcgetattr(0, &r->saved);
	if (!r->raw)
		return;
	raw = r->saved;
	cfmakeraw(&raw);
	(void)tcsetattr(0, TCSANOW, &raw);
	if (!ioctl(0, TIOCGWINSZ, &size))
		(void)ioctl(master, TIOCSWINSZ, &size);
}

static bool copy(int from, int to)
{
	char data[16384];
	ssize_t n = read(from, data, sizeof(data));

	return n > 0 && !fd_write_all(to, data, (size_t)n);
}

int console_relay(int master, int pidfd, struct err *err)
{
	struct pollfd fds[] = { { master, POLLIN, 0 }, { 0, POLLIN, 0 }, { pidfd, POLLIN, 0 } };
	struct relay relay;
	int r = 0;

	relay_begin(&relay, master);
	for (;;) {
		bool ended = fds[2].revents != 0;

		if (poll(fds, ARRAY_LEN(fds), ended ? 0 : -1) < 0 && errno != EINTR) {
			r = err_sys(err, errno, "wait for the terminal");
			break;
		}
		if (fds[0].revents && !copy(master, 1))
			break;
		if (ended && !fds[0].revents)
			break;
		if (fds[1].revents && !copy(0, master))
			fds[1].fd = -1;
	}
	if (relay.raw)
		(void)tcsetattr(0, TCSANOW, &relay.saved);
	return r;
}
