/* SPDX-License-Identifier: Apache-2.0 */
#include "shimsock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "fd.h"
#include "shimlink.h"

int shimsock_dir(const struct engine *engine, const char *id)
{
	int fd = openat(engine->shims_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int shimsock_dial(const struct engine *engine, const char *id)
{
	cleanup_fd int dir = shimsock_dir(engine, id);
	int sock;

	if (dir < 0)
		return -ENOTCONN;
	sock = fd_unix_connect(dir, "sock", SOCK_SEQPACKET | SOCK_NONBLOCK);
	return sock == -ENOENT || sock == -ECONNREFUSED ? -ENOTCONN : sock;
}

bool shims_alive(const struct engine *engine, const char *id)
{
	cleanup_fd int dir = shimsock_dir(engine, id);
	cleanup_fd int lock = dir < 0 ? dir : fd_lock_existing(dir, "lock", false);

	return lock == -EAGAIN || lock == -EACCES;
}
