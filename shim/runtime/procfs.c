/* SPDX-License-Identifier: Apache-2.0 */
/* A /proc is of the pid namespace of the process that makes it, unless it is told another one, which it is to be had by
 * since Linux 6.17. Before, somebody would have to go there who has the right to mount, and whoever may trace him there
 * would have it, too. So the one is taken that a process of the namespace has: it is another mount of the same file
 * system, and can be asked whose it is. */
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fd.h"
#include "mountfrom.h"
#include "mounts.h"
#include "str.h"

#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif

enum { PROC_ROOT_INODE = 1 };

static int set(int fs, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return fsconfig(fs, FSCONFIG_SET_FLAG, word, NULL, 0);
	*value++ = 0;
	return fsconfig(fs, FSCONFIG_SET_STRING, word, value, 0);
}

/* The file system's own options, comma separated. */
static int set_data(int fs, const struct plan_mount *m, struct err *err)
{
	cleanup_free char *data = strdup(str_or_empty(m->data));
	char *rest = data, *word;

	if (!data)
		return err_sys(err, ENOMEM, "mount proc on %s", m->dest);
	while ((word = strsep(&rest, ",")))
		if (*word && set(fs, word))
			return err_sys(err, errno, "mount proc on %s: option %s", m->dest, word);
	return 0;
}

/* -EOPNOTSUPP, without a message: this kernel cannot. */
static int make(int pidns, const struct plan_mount *m, struct err *err)
{
	cleanup_fd int fs = fsopen("proc", FSOPEN_CLOEXEC);
	int fd, r;

	if (fs < 0)
		return err_sys(err, errno, "mount proc on %s", m->dest);
	if (fsconfig(fs, FSCONFIG_SET_FD, "pidns", NULL, pidns))
		return errno == EINVAL ? -EOPNOTSUPP
				       : err_sys(err, errno, "mount proc on %s: its pid namespace",
						 m->dest);
	r = set_data(fs, m, err);
	if (r)
		return r;
	fd = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ? -1
							      : fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd >= 0 ? fd : err_sys(err, errno, "mount proc on %s", m->dest);
}

static bool is_of(int tree, int pidns)
{
	struct statfs fs;
	struct stat root, its, wanted;

	if (fstatfs(tree, &fs) || fs.f_type != PROC_SUPER_MAGIC || fstat(tree, &root) ||
	    root.st_ino != PROC_ROOT_INODE)
		return false;
	return !fstatat(tree, "1/ns/pid", &its, 0) && !fstat(pidns, &wanted) &&
	       its.st_dev == wanted.st_dev && its.st_ino == wanted.st_ino;
}

/* The one of the process by whose /proc/PID/ns/pid the namespace is named. */
static int take(int pidns, const char *path, const struct plan_mount *m, struct err *err)
{
	static const char pid[] = "/ns/pid";
	size_t n = strlen(path);
	char name[4096];

	if (m->data && *m->data)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "mount proc on %s: its options in a pid namespace that is joined "
			       "need Linux 6.17",
			       m->dest);
	if (n <= strlen(pid) || n >= sizeof(name) || strcmp(path + n - strlen(pid), pid) != 0)
		return err_set(err, ERR_UNIMPLEMENTED,
			       "mount proc on %s: before Linux 6.17 a pid namespace is to be named "
			       "by a process's /proc/PID/ns/pid, not by %.200s",
			       m->dest, path);
	(void)snprintf(name, sizeof(name), "%.*s/ns/mnt", (int)(n - strlen(pid)), path);
	cleanup_fd int ns = open(name, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return err_sys(err, errno, "open namespace %s", name);
	cleanup_fd int tree = mountfrom_open(ns, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, err);
	if (tree < 0)
		return tree;
	if (!is_of(tree, pidns))
		return err_set(err, ERR_PRECONDITION,
			       "mount proc on %s: the container that is joined has none at /proc, "
			       "which kernels before Linux 6.17 need",
			       m->dest);
	return steal_fd(&tree);
}

int procfs_of(int pidns, const char *path, const struct plan_mount *m, struct err *err)
{
	static const uint64_t all =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	struct mountopt o = m->opt;
	cleanup_fd int fd = make(pidns, m, err);
	int r;

	if (fd == -EOPNOTSUPP)
		fd = take(pidns, path, m, err);
	if (fd < 0)
		return fd;
	o.attr_clr |= all & ~o.attr_set;
	r = mounts_options(fd, &o);
	return r ? err_sys(err, r, "set options of the mount on %s", m->dest) : steal_fd(&fd);
}
