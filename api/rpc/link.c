/* SPDX-License-Identifier: Apache-2.0 */
/* A symbolic link cannot be replaced in place, so a new one is made beside it and renamed over it:
 * connect(2) meets either the old or the new target, never none. Both names live in one directory,
 * and the target is relative, so the directory can be moved or reached by another path. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "str.h"

int rpc_link_lock(const char *path, bool wait, struct err *err)
{
	cleanup_free char *name = str_printf("%s.lock", path);
	int fd;

	if (!name)
		return err_sys(err, ENOMEM, "lock %s", path);
	fd = fd_lock_file(AT_FDCWD, name, wait);
	if (fd == -EAGAIN || fd == -EACCES)
		return err_set(err, ERR_UNAVAILABLE, "%s is held by another process", name),
		       -EAGAIN;
	return fd < 0 ? err_sys(err, fd, "lock %s", name) : fd;
}

int rpc_link_move(const char *path, const char *target, struct err *err)
{
	cleanup_free char *temporary = str_printf("%s.%d.new", path, (int)getpid());

	if (!temporary)
		return err_sys(err, ENOMEM, "link %s", path);
	(void)unlink(temporary);
	if (symlink(target, temporary) < 0)
		return err_sys(err, errno, "link %s", temporary);
	if (rename(temporary, path) < 0) {
		int r = err_sys(err, errno, "rename %s to %s", temporary, path);

		(void)unlink(temporary);
		return r;
	}
	return 0;
}

int rpc_link_remove(const char *path, const char *target, struct err *err)
{
	char now[256];
	ssize_t n = readlink(path, now, sizeof(now) - 1);

	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? 0
							  : err_sys(err, errno, "read %s", path);
	now[n] = 0;
	if (strcmp(now, target) != 0)
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "remove %s", path);
	return 0;
}
