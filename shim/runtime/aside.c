/* SPDX-License-Identifier: Apache-2.0 */
/* Some kernels do things only to what is mounted in the caller's namespace. So it is, in one that is made for it and left
 * again: nothing shows in the host's. */
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fd.h"

#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif

/* A file system on the working directory; a descriptor of it. */
static int make_place(struct err *err)
{
	cleanup_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) ||
	    move_mount(fd, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH))
		return err_sys(err, errno, "make a place for the overlay's layers");
	return steal_fd(&fd);
}

static int place(int at, const char *name, int tree, struct err *err)
{
	if (mkdirat(at, name, 0700) ||
	    (tree >= 0 && move_mount(tree, "", at, name, MOVE_MOUNT_F_EMPTY_PATH)))
		return err_sys(err, errno, "mount an overlay's layer");
	return 0;
}

static int make(const struct overlay *o, const int *trees, int upper, struct err *err)
{
	cleanup_fd int at = make_place(err), root = -1;
	int r = at < 0 ? at : place(at, "root", -1, err), copy;

	for (size_t i = 0; !r && i < o->n_lower; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%zu", i);
		r = place(at, name, trees[i], err);
	}
	if (!r && upper >= 0)
		r = place(at, "upper", upper, err);
	if (r)
		return r;
	root = overlay_mount(o, at, "root", err);
	if (root < 0)
		return root;
	copy = open_tree(root, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return copy >= 0 ? copy : err_sys(err, errno, "take the overlay along");
}

static int take_part(int tree, const char *path, struct err *err)
{
	cleanup_fd int at = make_place(err), found = -1;
	int r = at < 0 ? at : place(at, "tree", -1, err), copy;

	if (!r && move_mount(tree, "", at, "tree", MOVE_MOUNT_F_EMPTY_PATH))
		r = err_sys(err, errno, "mount what %s is in", path);
	if (r)
		return r;
	found = fd_open_in_root(tree, path, O_PATH | O_CLOEXEC, 0);
	copy = found < 0
		       ? found
		       : open_tree(found, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return copy >= 0 ? copy : err_sys(err, found < 0 ? found : errno, "open %s", path);
}

/* Where we were. */
struct home {
	int ns, dir;
};

static int leave(struct home *home, struct err *err)
{
	home->ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	home->dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home->ns < 0 || home->dir < 0 || unshare(CLONE_NEWNS))
		return err_sys(err, errno, "make a mount namespace");
	return 0;
}

/* Consumes `made`, a descriptor or -errno. */
static int come_back(const struct home *home, int made, struct err *err)
{
	cleanup_fd int fd = made;

	if (setns(home->ns, CLONE_NEWNS) || fchdir(home->dir))
		return err_sys(err, errno, "come back to the host's mount namespace");
	return fd < 0 ? fd : steal_fd(&fd);
}

static void home_deinit(struct home *home)
{
	closep(&home->ns);
	closep(&home->dir);
}

int aside_overlay(const struct overlay *o, const int *trees, int upper, struct err *err)
{
	cleanup(home_deinit) struct home home = { -1, -1 };
	int r = leave(&home, err);

	return r ? r : come_back(&home, make(o, trees, upper, err), err);
}

int aside_subtree(int tree, const char *path, struct err *err)
{
	cleanup(home_deinit) struct home home = { -1, -1 };
	int r = leave(&home, err);

	return r ? r : come_back(&home, take_part(tree, path, err), err);
}
