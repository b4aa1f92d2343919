/* SPDX-License-Identifier: Apache-2.0 */
/* The mount API of Linux 5.2 and 5.12 (fsopen(2), open_tree(2), mount_setattr(2)) for musl. */
#pragma once

#include_next <sys/mount.h>

#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int fsopen(const char *fs_name, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, fs_name, flags);
}

static inline int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

static inline int fsmount(int fd, unsigned int flags, unsigned int ms_flags)
{
	return (int)syscall(SYS_fsmount, fd, flags, ms_flags);
}

static inline int move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to,
			     unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from_dirfd, from, to_dirfd, to, flags);
}

static inline int open_tree(int dirfd, const char *name, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, name, flags);
}

static inline int mount_setattr(int dirfd, const char *path, unsigned int flags,
				struct mount_attr *attr, size_t size)
{
	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, attr, size);
}
