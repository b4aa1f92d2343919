/* SPDX-License-Identifier: Apache-2.0 */
#include "dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"

int dirs_open(int root_fd, const char *path)
{
	return fd_open_in_root(root_fd, path[0] ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

static int make_one(int parent_fd, const char *name, uid_t uid, gid_t gid)
{
	if (mkdirat(parent_fd, name, 0755) < 0)
		return -errno;
	cleanup_fd int fd =
		openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, 0755) < 0 ? -errno : 0;
}

/* `path` is cut at each of its parts in turn. */
static int make_all(int root_fd, char *path, uid_t uid, gid_t gid)
{
	int fd = dirs_open(root_fd, "/");

	for (char *part = path + 1; fd >= 0 && *part;) {
		char *slash = strchr(part, '/');

		if (slash)
			*slash = '\0';
		int next = dirs_open(root_fd, path);

		if (next == -ENOENT) {
			next = make_one(fd, part, uid, gid);
			next = next < 0 ? next : dirs_open(root_fd, path);
		}
		close(fd);
		fd = next;
		if (!slash)
			break;
		*slash = '/';
		part = slash + 1;
	}
	return fd;
}

int dirs_make(int root_fd, const char *path, uid_t uid, gid_t gid, struct err *err)
{
	cleanup_free char *copy = strdup(path);
	int fd = copy ? make_all(root_fd, copy, uid, gid) : -ENOMEM;

	if (fd == -ENOTDIR || fd == -EEXIST)
		return err_set(err, ERR_INVALID,
			       "cannot make directory \"%.150s\": a part of it is "
			       "no directory",
			       path);
	return fd < 0 ? err_sys(err, fd, "make directory \"%.150s\"", path) : fd;
}

int dirs_make_parent(int root_fd, const char *path, uid_t uid, gid_t gid, const char **name,
		     struct err *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = strndup(path, (size_t)(slash - path) + (slash == path));

	*name = slash + 1;
	return parent ? dirs_make(root_fd, parent, uid, gid, err)
		      : err_sys(err, ENOMEM, "make a directory");
}
