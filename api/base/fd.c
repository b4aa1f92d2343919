/* SPDX-License-Identifier: Apache-2.0 */
/* Thin, total wrappers: each retries EINTR, sets O_CLOEXEC, and turns errno into a result. Sockets
 * are addressed through /proc/self/fd/<dir>/<name>, because sun_path holds 107 bytes and state
 * directories may be longer than that. */
#include "fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

int fd_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int fd_read_all(int fd, void *data, size_t n)
{
	char *p = data;

	while (n > 0) {
		ssize_t r = read(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ENODATA;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

int fd_read_file(int dir_fd, const char *name, size_t max, struct buf *b)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t start = b->len;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t r;

		if (buf_reserve(b, 4096) < 0)
			return b->error;
		r = read(fd, b->data + b->len, b->cap - b->len - 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		b->len += (size_t)r;
		b->data[b->len] = '\0';
		if (b->len - start > max)
			return -EFBIG;
		if (r == 0)
			return 0;
	}
}

bool fd_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int fd_replace_file(int dir_fd, const char *name, const void *data, size_t n, mode_t mode,
		    bool sync)
{
	char temp[NAME_MAX + 1];
	cleanup_fd int fd = -1;
	int r;

	if (snprintf(temp, sizeof(temp), "%s.%d.tmp", name, gettid()) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, n);
	if (r == 0 && sync && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, temp, dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, temp, 0);
	return r;
}

int fd_create_file(int dir_fd, const char *name, const void *data, size_t n, mode_t mode)
{
	cleanup_fd int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int r = fd < 0 ? -errno : fd_write_all(fd, data, n);

	if (fd >= 0 && r < 0)
		unlinkat(dir_fd, name, 0);
	return r;
}

static int lock_opened(int opened, bool wait)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	cleanup_fd int fd = opened;

	if (fd < 0)
		return -errno;
	while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) < 0)
		if (errno != EINTR)
			return errno == EACCES ? -EAGAIN : -errno;
	return steal_fd(&fd);
}

int fd_lock_file(int dir_fd, const char *name, bool wait)
{
	return lock_opened(openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600), wait);
}

int fd_lock_existing(int dir_fd, const char *name, bool wait)
{
	return lock_opened(openat(dir_fd, name, O_RDWR | O_CLOEXEC), wait);
}

int fd_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

int fd_open_beneath(int dir_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

int fd_mkdir_all(int dir_fd, const char *path, mode_t mode)
{
	cleanup_free char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdirat(dir_fd, copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = c;
		if (c == '\0')
			return 0;
	}
}

DIR *fd_dir(int fd)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int error = errno;

	if (!dir)
		closep(&fd);
	errno = error;
	return dir;
}

/* The entries of one directory; consumes dir_fd. Depth is bounded by the path a file can have, the
 * descriptors held by the depth: a tree too deep for them ends in -EMFILE. */
static int remove_entries(int dir_fd, dev_t dev, const _Atomic bool *stop)
{
	DIR *dir = fd_dir(dir_fd);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		struct stat st;
		int sub;

		if (stop && *stop) {
			r = -ECANCELED;
			break;
		}

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type != DT_DIR &&
		    (unlinkat(dirfd(dir), entry->d_name, 0) == 0 || errno == ENOENT))
			continue;
		sub = openat(dirfd(dir), entry->d_name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0) {
			r = errno == ENOENT ? 0 : -errno;
			continue;
		}
		if (fstat(sub, &st) < 0 || st.st_dev != dev) {
			close(sub);
			r = -EBUSY;
			continue;
		}
		r = remove_entries(sub, dev, stop);
		if (r == 0 && unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			r = -errno;
	}
	if (r == 0 && errno)
		r = -errno;
	closedir(dir);
	return r;
}

int fd_remove_tree(int dir_fd, const char *name)
{
	return fd_remove_tree_until(dir_fd, name, NULL);
}

int fd_remove_tree_until(int dir_fd, const char *name, const _Atomic bool *stop)
{
	struct stat st;
	int fd, r;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	r = remove_entries(fd, st.st_dev, stop);
	if (r == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int fd_send(int sock, const void *data, size_t n, const int *fds, size_t n_fds, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (n_fds > FD_PASS_MAX)
		return -E2BIG;
	if (n_fds > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do
		sent = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static size_t collect_fds(struct msghdr *msg, int *fds, size_t room)
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n < room)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

ssize_t fd_recv(int sock, void *data, size_t n, int *fds, size_t *n_fds, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = n };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t room = n_fds ? *n_fds : 0, got;
	bool reset = false;
	ssize_t r;

	/* A peer that closes with unread messages in its queue resets the connection: that is told once, before
	 * what it has sent. */
	while ((r = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC)) < 0) {
		if (errno != EINTR && (errno != ECONNRESET || reset))
			break;
		reset |= errno == ECONNRESET;
	}
	if (r < 0)
		return -errno;
	got = collect_fds(&msg, fds, room);
	if (n_fds)
		*n_fds = got;
	if (msg.msg_flags & MSG_TRUNC) {
		for (size_t i = 0; i < got; i++)
			close(fds[i]);
		if (n_fds)
			*n_fds = 0;
		return -EMSGSIZE;
	}
	return r;
}

static int unix_address(int dir_fd, const char *name, struct sockaddr_un *addr)
{
	int n;

	addr->sun_family = AF_UNIX;
	if (dir_fd == AT_FDCWD)
		n = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s", name);
	else
		n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", dir_fd,
			     name);
	return n < (int)sizeof(addr->sun_path) ? 0 : -ENAMETOOLONG;
}

static int bind_anew(int fd, int dir_fd, const char *name)
{
	struct sockaddr_un addr;
	int r = unix_address(dir_fd, name, &addr);

	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	/* left by one that was killed */
	if (errno != EADDRINUSE || unlinkat(dir_fd, name, 0) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return 0;
}

int fd_unix_listen(int dir_fd, const char *name, int type, mode_t mode)
{
	char temp[NAME_MAX + 1];
	cleanup_fd int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (snprintf(temp, sizeof(temp), "%s.%d.tmp", name, gettid()) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	/* A socket file takes its mode from the socket's inode: no moment with a wider one. */
	if (fchmod(fd, mode) < 0)
		return -errno;
	r = bind_anew(fd, dir_fd, temp);
	if (r < 0)
		return r;
	if (listen(fd, SOMAXCONN) < 0 || renameat(dir_fd, temp, dir_fd, name) < 0) {
		r = -errno;
		unlinkat(dir_fd, temp, 0);
		return r;
	}
	return steal_fd(&fd);
}

int fd_unix_connect(int dir_fd, const char *name, int type)
{
	struct sockaddr_un addr;
	cleanup_fd int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	int r = unix_address(dir_fd, name, &addr);

	if (fd < 0 || r < 0)
		return fd < 0 ? -errno : r;
	do
		r = connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : steal_fd(&fd);
}

bool fd_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int fd_open_sealed(const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	cleanup_fd int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		return -errno;
	return steal_fd(&fd);
}

static size_t count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	if (!dir)
		return SIZE_MAX;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n > 3 ? n - 3 : 0; /* "." and ".." and the directory itself */
}

bool fd_scarce(void)
{
	struct rlimit limit;
	rlim_t reserve;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	reserve = limit.rlim_cur / 4 < FD_RESERVE ? limit.rlim_cur / 4 : FD_RESERVE;
	/* The lowest free number is taken: while this one is not, all above it are free. It may have been
	 * taken long ago, with many below it free now. */
	if (limit.rlim_cur > INT_MAX || fcntl((int)(limit.rlim_cur - reserve), F_GETFD) < 0)
		return false;
	return count_open() > limit.rlim_cur - reserve;
}
