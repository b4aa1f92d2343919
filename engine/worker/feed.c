/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"

int feed_socket(int sock, const struct feed_source *source, struct err *err)
{
	const void *data;
	size_t n;
	int r;

	while ((r = source->next(source->ctx, &data, &n, err)) == 1)
		for (size_t done = 0; done < n;) {
			ssize_t w = send(sock, (const char *)data + done, n - done, MSG_NOSIGNAL);

			if (w < 0 && errno != EINTR)
				return 1;
			done += w > 0 ? (size_t)w : 0;
		}
	return r;
}

int feed_file_next(void *ctx, const void **data, size_t *n, struct err *err)
{
	struct feed_file *f = ctx;
	ssize_t got = read(f->fd, f->block, sizeof(f->block));

	if (got < 0)
		return err_sys(err, errno, "read a temporary file");
	*data = f->block;
	*n = (size_t)got;
	return got > 0;
}

int feed_spool(int dir_fd, const struct feed_source *source, struct err *err)
{
	cleanup_fd int fd = openat(dir_fd, "spool", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const void *data;
	size_t n;
	int r = 1;

	if (fd < 0 || unlinkat(dir_fd, "spool", 0) < 0)
		return err_sys(err, errno, "make a temporary file");
	while (r == 1 && (r = source->next(source->ctx, &data, &n, err)) == 1) {
		int w = fd_write_all(fd, data, n);

		if (w < 0)
			return err_sys(err, w, "write a temporary file");
	}
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_sys(err, errno, "read a temporary file");
	return r < 0 ? r : steal_fd(&fd);
}
