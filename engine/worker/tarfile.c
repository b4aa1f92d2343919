/* SPDX-License-Identifier: Apache-2.0 */
/* Direct writes are of whole blocks; the last one is filled up with zeroes, which are cut off again. */
#include "tarfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fd.h"

enum { BLOCK_BYTES = 1 << 20, ALIGN_BYTES = 4096 };

int tarfile_open(struct tarfile *file, int dir_fd, const char *name, struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	void *block = NULL;

	*file = TARFILE_NULL;
	if (posix_memalign(&block, ALIGN_BYTES, BLOCK_BYTES))
		return err_sys(err, ENOMEM, "write the layer");
	file->block = block;
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

static int flush(struct tarfile *file, size_t n, struct err *err)
{
	int r = fd_write_all(file->fd, file->block, n);

	if (r == -EINVAL && leave_direct(file->fd) == 0)
		r = fd_write_all(file->fd, file->block, n);
	file->have = 0;
	return r < 0 ? err_sys(err, r, "write") : 0;
}

int tarfile_write(struct tarfile *file, const void *data, size_t n, struct err *err)
{
	const char *at = data;
	int r = 0;

	file->size += n;
	while (r == 0 && n > 0) {
		size_t room = BLOCK_BYTES - file->have, take = n < room ? n : room;

		memcpy(file->block + file->have, at, take);
		file->have += take;
		at += take;
		n -= take;
		if (file->have == BLOCK_BYTES)
			r = flush(file, BLOCK_BYTES, err);
	}
	return r;
}

int tarfile_finish(struct tarfile *file, struct err *err)
{
	size_t whole = (file->have + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
	int r = 0;

	if (file->have) {
		memset(file->block + file->have, 0, whole - file->have);
		r = flush(file, whole, err);
	}
	if (r == 0 && ftruncate(file->fd, (off_t)file->size) < 0)
		r = err_sys(err, errno, "write");
	return r;
}

void tarfile_deinit(struct tarfile *file)
{
	closep(&file->fd);
	free(file->block);
	*file = TARFILE_NULL;
}
