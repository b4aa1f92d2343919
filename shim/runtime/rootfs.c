/* SPDX-License-Identifier: Apache-2.0 */
/* The root is a mount of its own: an overlay of the layers named by annotations (overlay.c), or a clone
 * of the bundle's directory. All later work goes through its descriptor. Masks are binds of the host's
 * /dev/null, opened where nothing of the image can interfere, or empty read-only tmpfs for directories. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fd.h"
#include "mounts.h"
#include "nodes.h"
#include "overlay.h"
#include "str.h"

static const unsigned to_empty = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

int rootfs_overlay(const struct plan *p, int bundle_fd, struct err *err)
{
	const struct plan_overlay *o = &p->overlay;
	const struct overlay overlay = { .lower = o->lower.item,
					 .n_lower = o->lower.n,
					 .upper = o->upper,
					 .work = o->work,
					 .is_volatile = o->is_volatile };

	return overlay_mount(&overlay, bundle_fd, p->root, err);
}

/* On the bundle's own directory: for what lies in it the container's root may lack the right. Devices are below, and go
 * with the host's root. */
static int attach(int bundle_fd, struct outside *outside, struct err *err)
{
	if (move_mount(outside->nodes, "", bundle_fd, "", to_empty) ||
	    move_mount(outside->root, "", bundle_fd, "", to_empty))
		return err_sys(err, errno, "mount the root file system");
	return steal_fd(&outside->root);
}

int rootfs_open(const struct plan *p, int bundle_fd, struct outside *outside, struct err *err)
{
	if (mount(NULL, "/", NULL, p->propagation ? p->propagation : MS_PRIVATE | MS_REC, NULL))
		return err_sys(err, errno, "set the propagation of the host's mounts");
	if (outside->root >= 0)
		return attach(bundle_fd, outside, err);
	if (p->overlay.lower.n)
		return rootfs_overlay(p, bundle_fd, err);
	cleanup_fd int root =
		open_tree(bundle_fd, p->root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (root < 0)
		return err_sys(err, errno, "open root file system %s", p->root);
	if (move_mount(root, "", bundle_fd, p->root, MOVE_MOUNT_F_EMPTY_PATH))
		return err_sys(err, errno, "mount the root file system on %s", p->root);
	return steal_fd(&root);
}

static int write_sysctl(int root, const struct plan_pair *s, struct err *err)
{
	char path[256];
	size_t n = strlen(s->value);

	if (snprintf(path, sizeof(path), "/proc/sys/%s", s->key) >= (int)sizeof(path))
		return err_set(err, ERR_INVALID, "sysctl %.80s is too long", s->key);
	for (char *c = path; *c; c++)
		if (*c == '.')
			*c = '/';
	cleanup_fd int fd = fd_open_in_root(root, path, O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, fd, "open sysctl %s", s->key);
	if (write(fd, s->value, n) != (ssize_t)n)
		return err_sys(err, errno, "write sysctl %s", s->key);
	return 0;
}

/* A mount that is made and not used would be as dear as any other: its end waits for all processors. So what the
 * path is decides, not what fails. */
static int mask(int root, int null, const char *path, struct err *err)
{
	cleanup_fd int target = fd_open_in_root(root, path, O_PATH | O_CLOEXEC, 0);
	struct stat st;

	if (target == -ENOENT || target == -EACCES)
		return 0;
	if (target < 0)
		return err_sys(err, target, "mask %s", path);
	if (fstat(target, &st))
		return err_sys(err, errno, "mask %s", path);
	if (S_ISDIR(st.st_mode)) {
		if (fchdir(target) ||
		    mount("tmpfs", ".", "tmpfs", MS_RDONLY, "size=0k,nr_inodes=1"))
			return err_sys(err, errno, "mask %s", path);
		return 0;
	}
	cleanup_fd int tree =
		open_tree(null, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || move_mount(tree, "", target, "", to_empty))
		return err_sys(err, errno, "mask %s", path);
	return 0;
}

static int make_readonly(int root, const char *path, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	cleanup_fd int target = fd_open_in_root(root, path, O_PATH | O_CLOEXEC, 0);

	if (target == -ENOENT || target == -EACCES)
		return 0;
	if (target < 0)
		return err_sys(err, target, "make %s read-only", path);
	cleanup_fd int tree = open_tree(
		target, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 ||
	    mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) ||
	    move_mount(tree, "", target, "", to_empty))
		return err_sys(err, errno, "make %s read-only", path);
	return 0;
}

static int hide(const struct plan *p, int root, struct err *err)
{
	int r = 0;

	if (p->masked.n) {
		cleanup_fd int null = open("/dev/null", O_PATH | O_CLOEXEC);

		if (null < 0)
			return err_sys(err, errno, "open /dev/null");
		for (size_t i = 0; !r && i < p->masked.n; i++)
			r = mask(root, null, p->masked.item[i], err);
	}
	for (size_t i = 0; !r && i < p->readonly.n; i++)
		r = make_readonly(root, p->readonly.item[i], err);
	return r;
}

int rootfs_finish(const struct plan *p, int root, int nodes, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = nodes_make(p, root, nodes, err);

	for (size_t i = 0; !r && i < p->n_sysctl; i++)
		r = write_sysctl(root, &p->sysctl[i], err);
	r = r ? r : hide(p, root, err);
	if (!r && p->root_readonly && mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		return err_sys(err, errno, "make the root read-only");
	return r;
}

int rootfs_pivot(int root, struct err *err)
{
	if (fchdir(root))
		return err_sys(err, errno, "enter the root file system");
	if (syscall(SYS_pivot_root, ".", "."))
		return err_sys(err, errno, "change root");
	if (umount2(".", MNT_DETACH))
		return err_sys(err, errno, "let go of the host's root");
	return chdir("/") ? err_sys(err, errno, "enter /") : 0;
}
