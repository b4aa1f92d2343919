/* SPDX-License-Identifier: Apache-2.0 */
#include "lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "str.h"

/* Field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot; 0 = no such process, or one that
 * ended and was not waited for yet. */
static uint64_t start_time(pid_t pid)
{
	cleanup(buf_deinit) struct buf text = BUF_NULL;
	char path[32];
	uint64_t ticks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (fd_read_file(AT_FDCWD, path, 4096, &text) < 0)
		return 0;
	const char *p = text.len ? memrchr(text.data, ')', text.len) : NULL;

	if (p && strlen(p) > 2 && strchr("ZX", p[2]))
		return 0;
	for (int spaces = 0; p && spaces < 20; spaces++)
		if ((p = strchr(p, ' ')))
			p++;
	return p && sscanf(p, "%" SCNu64, &ticks) == 1 ? ticks : 0;
}

int lease_parse(const char *name, pid_t *pid, uint64_t *start)
{
	char owner[32], ticks[32], id[24];
	uint64_t p, t;

	if (sscanf(name, "lease-%20[0-9]-%20[0-9]-%16[0-9a-f]", owner, ticks, id) != 3 ||
	    strlen(name) != strlen("lease---") + strlen(owner) + strlen(ticks) + strlen(id))
		return -EINVAL;
	if (str_u64(owner, &p) < 0 || p == 0 || p > INT32_MAX || str_u64(ticks, &t) < 0)
		return -EINVAL;
	*pid = (pid_t)p;
	*start = t;
	return 0;
}

/* Below the state directory itself, so that it belongs to no process. */
static const char spare[] = "spare";

static int make_spare(int state_fd)
{
	return mkdirat(state_fd, spare, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* An empty directory of that path. */
static int make(int state_fd, const char *path, bool to_free, bool *is_spare)
{
	int r = fd_mkdir_all(state_fd, "tmp", 0700);

	/* the spare one first: what is made behind it may be the last that there is room for */
	r = r ? r : make_spare(state_fd);
	if (r == 0 && mkdirat(state_fd, path, 0700) < 0)
		r = -errno;
	if (to_free && (r == -ENOSPC || r == -EDQUOT)) {
		*is_spare = renameat(state_fd, spare, state_fd, path) == 0;
		r = *is_spare ? 0 : r;
	}
	return r;
}

static int open_lease(struct lease *lease, int state_fd, bool to_free, struct err *err)
{
	char id[65];

	*lease = LEASE_NULL;
	str_random_id(id);
	snprintf(lease->path, sizeof(lease->path), "tmp/lease-%d-%" PRIu64 "-%.16s", getpid(),
		 start_time(getpid()), id);
	int r = make(state_fd, lease->path, to_free, &lease->is_spare);

	if (r < 0) {
		lease->path[0] = '\0';
		return err_sys(err, r, "make a temporary directory");
	}
	lease->state_fd = state_fd;
	lease->fd = openat(state_fd, lease->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lease->fd < 0) {
		r = err_sys(err, errno, "open a temporary directory");
		lease_deinit(lease);
	}
	return r;
}

int lease_open(struct lease *lease, int state_fd, struct err *err)
{
	return open_lease(lease, state_fd, false, err);
}

int lease_open_to_free(struct lease *lease, int state_fd, struct err *err)
{
	return open_lease(lease, state_fd, true, err);
}

/* The directory itself stays: to make another one there may be no room yet. */
void lease_give_back(struct lease *lease)
{
	int fd = lease->is_spare ? openat(lease->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = fd_dir(fd);

	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)!fd_remove_tree(lease->fd, e->d_name);
	closedir(dir);
	if (renameat(lease->state_fd, lease->path, lease->state_fd, spare) < 0)
		return;
	closep(&lease->fd);
	*lease = LEASE_NULL;
}

void lease_deinit(struct lease *lease)
{
	lease_give_back(lease);
	closep(&lease->fd);
	if (lease->path[0])
		(void)!fd_remove_tree_until(lease->state_fd, lease->path, lease->stop);
	*lease = LEASE_NULL;
}

void lease_leave(struct lease *lease, char path[LEASE_NAME_MAX])
{
	memcpy(path, lease->path, LEASE_NAME_MAX);
	closep(&lease->fd);
	*lease = LEASE_NULL;
}

int lease_sweep(int state_fd, const _Atomic bool *stop)
{
	int fd = openat(state_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0, r = 0;
	DIR *dir = fd_dir(fd);

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *e; r == 0 && (e = readdir(dir));) {
		uint64_t start;
		pid_t pid;

		if (lease_parse(e->d_name, &pid, &start) < 0 || start_time(pid) == start)
			continue;
		r = fd_remove_tree_until(fd, e->d_name, stop);
		n += r == 0;
	}
	closedir(dir);
	return r < 0 ? r : n;
}
