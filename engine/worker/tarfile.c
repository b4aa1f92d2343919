/* SPDX-License-Identifier: Apache-2.0 */
#include "tarfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fd.h"

int tarfile_open(struct tarfile *file, int dir_fd, const char *name, struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;

	*file = TARFILE_NULL;
	file->fd = openat(dir_fd, name, flags | O_DIRECT, 0600);
	if (file->fd < 0 && errno == EINVAL) { /* some file systems make it first */
		(void)unlinkat(dir_fd, name, 0);
		file->fd = openat(dir_fd, name, flags, 0600);
	}
	return file->fd < 0 ? err_sys(err, errno, "create the layer's tar") : 0;
}

/* A file system may take the flag and refuse the write. */
static int leave_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !(flags & O_DIRECT))
		return -EINVAL;
	return fcntl(fd, F_SETFL, flags & ~O_DIRECT) < 0 ? -errno : 0;
}

int tarfile_write(struct tarfile *file, char *block, size_t n, struct err *err)
{
	size_t whole = (n + TARFILE_ALIGN - 1) / TARFILE_ALIGN * TARFILE_ALIGN;
	int r;

	memset(block + n, 0, whole - n);
	file->size += n;
	r = fd_write_all(file->fd, block, whole);
	if (r == -EINVAL && leave_direct(file->fd) == 0)
		r = fd_write_all(file->fd, block, whole);
	return r < 0 ? err_sys(err, r, "write") : 0;
}

int tarfile_finish(struct tarfile *file, struct err *err)
{
	return ftruncate(file->fd, (off_t)file->size) < 0 ? err_sys(err, errno, "write") : 0;
}

void tarfile_deinit(struct tarfile *file)
{
	closep(&file->fd);
	*file = TARFILE_NULL;
}
