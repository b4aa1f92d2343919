/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is on a file that every container has and that nothing else locks. The mark is a bit of that
 * file's mode. */
#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLAIN = 0600, MARKED = PLAIN | S_ISVTX };

static int open_file(const struct engine *engine, const char *id)
{
	char path[80];
	int fd;

	(void)snprintf(path, sizeof(path), "%.64s/shim.pb", id);
	fd = openat(engine->containers_fd, path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int hold_open(const struct engine *engine, const char *id)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1 };
	cleanup_fd int fd = open_file(engine, id);

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0 || fchmod(fd, MARKED) < 0)
		return -errno;
	return steal_fd(&fd);
}

bool hold_is_held(const struct engine *engine, const char *id)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	cleanup_fd int fd = open_file(engine, id);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool hold_is_marked(const struct engine *engine, const char *id, int64_t *since_ns)
{
	cleanup_fd int fd = open_file(engine, id);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !(st.st_mode & S_ISVTX))
		return false;
	*since_ns = st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec;
	if (*since_ns < engine->started_ns)
		*since_ns = engine->started_ns;
	return true;
}

static void unlock(int fd)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1 };

	/* To close it is not enough: a child that is about to execute its program has it, too. */
	(void)fcntl(fd, F_OFD_SETLK, &whole);
	close(fd);
}

void hold_leave(int fd)
{
	/* the time of the file's change is the mark's */
	(void)fchmod(fd, MARKED);
	unlock(fd);
}

void hold_close(const struct engine *engine, const char *id, int fd)
{
	cleanup_fd int mark = open_file(engine, id);

	unlock(fd);
	if (mark >= 0 && !engine->leaving && !hold_is_held(engine, id))
		(void)!fchmod(mark, PLAIN);
}
