/* SPDX-License-Identifier: Apache-2.0 */
/* In a user namespace no device can be made. A file system made outside has them, the usual ones first, each in a file that is
 * named by its number, and each is bound to its place. */
#include "nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fd.h"
#include "mounts.h"
#include "userns.h"

#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif

static const struct plan_device usual[] = {
	{ "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0 },
	{ "/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 },
	{ "/dev/full", S_IFCHR | 0666, 1, 7, 0, 0 },
	{ "/dev/random", S_IFCHR | 0666, 1, 8, 0, 0 },
	{ "/dev/urandom", S_IFCHR | 0666, 1, 9, 0, 0 },
	{ "/dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },       { "ptmx", "pts/ptmx" },
};

static const struct plan_device *device(const struct plan *p, size_t i)
{
	return i < ARRAY_LEN(usual) ? &usual[i] : &p->devices[i - ARRAY_LEN(usual)];
}

static int make_node(int at, const char *name, const struct plan_device *d, uint32_t uid,
		     uint32_t gid, struct err *err)
{
	if (mknodat(at, name, d->mode, makedev(d->major, d->minor)) && errno != EEXIST)
		return err_sys(err, errno, "make device %s", d->path);
	if ((uid || gid) && fchownat(at, name, uid, gid, AT_SYMLINK_NOFOLLOW))
		return err_sys(err, errno, "set the owner of device %s", d->path);
	return 0;
}

static int make_device(int root, const struct plan_device *d, struct err *err)
{
	char dir[512];
	const char *base = strrchr(d->path, '/') + 1;

	if (strlen(d->path) >= sizeof(dir) || !*base)
		return err_set(err, ERR_INVALID, "device path %.80s is not usable", d->path);
	(void)snprintf(dir, sizeof(dir), "%.*s/", (int)(base - d->path - 1), d->path);
	cleanup_fd int at = mounts_target(root, dir, true, err);
	return at < 0 ? at : make_node(at, base, d, d->uid, d->gid, err);
}

static int bind_device(int root, const struct plan_device *d, int nodes, size_t number,
		       struct err *err)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%zu", number);
	cleanup_fd int tree = open_tree(nodes, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	cleanup_fd int target = mounts_target(root, d->path, false, err);

	if (target < 0)
		return target;
	if (tree < 0 ||
	    move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return err_sys(err, errno, "mount device %s", d->path);
	return 0;
}

int nodes_make(const struct plan *p, int root, int nodes, struct err *err)
{
	cleanup_fd int dev = mounts_target(root, "/dev", true, err);
	int r = dev < 0 ? dev : 0;

	for (size_t i = 0; !r && i < ARRAY_LEN(usual) + p->n_devices; i++)
		r = nodes >= 0 ? bind_device(root, device(p, i), nodes, i, err)
			       : make_device(root, device(p, i), err);
	for (size_t i = 0; !r && i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) && errno != EEXIST)
			r = err_sys(err, errno, "make link /dev/%s", links[i].name);
	return r;
}

static int make_tmpfs(struct err *err)
{
	cleanup_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd = fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
			 ? -1
			 : fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);

	return fd >= 0 ? fd : err_sys(err, errno, "make a file system for devices");
}

int nodes_outside(const struct plan *p, struct err *err)
{
	cleanup_fd int fd = make_tmpfs(err);
	mode_t mask = umask(0);
	int r = fd < 0 ? fd : 0;

	for (size_t i = 0; !r && i < ARRAY_LEN(usual) + p->n_devices; i++) {
		const struct plan_device *d = device(p, i);
		char name[16];

		(void)snprintf(name, sizeof(name), "%zu", i);
		r = make_node(fd, name, d, userns_host_id(&p->uid_map, d->uid),
			      userns_host_id(&p->gid_map, d->gid), err);
	}
	(void)umask(mask);
	return r ? r : steal_fd(&fd);
}
