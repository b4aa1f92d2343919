/* SPDX-License-Identifier: Apache-2.0 */
/* Linux before 6.5 hands all that fsconfig(2) was told to the file system as one string (fs/fs_context.c,
 * legacy_parse_param()), and its overlayfs refuses "lowerdir+" with EINVAL when the mount is made. There one
 * "lowerdir" has to name all layers, and a string of fsconfig(2) has 255 bytes, room for some 14 of them: mount(2)
 * takes a page. But that one mounts on a place in a namespace, which the host's must not have. So a thread goes to a
 * mount namespace of its own, mounts there, takes a copy of the mount that is in none, and its namespace ends with
 * it. A thread, as one that has left its mount namespace shares no working directory and umask with the others any
 * more.
 * The directories are opened there anew: overlayfs takes none of a mount that is not in the namespace of who mounts
 * (fs/namespace.c, clone_private_mount() calls check_mnt(), since 5.14). The copy is of the overlay where it is
 * mounted: to copy a mount that is in no namespace is refused before 6.15. */
#include "rootaside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "thread.h"

enum { STACK_BYTES = 128 << 10 };

struct aside {
	const struct overlay *overlay;
	const char *state_dir;
	int r;
	struct err *err;
};

static int mount_it(const struct aside *a)
{
	struct err *err = a->err;

	/* nothing of what is mounted here spreads to the host's namespace */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, errno, "make a mount namespace");
	cleanup_fd int at = open(a->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return err_sys(err, errno, "open %s", a->state_dir);
	cleanup_fd int root = overlay_mount_names(a->overlay, at, "rootfs", err);

	if (root < 0)
		return root;
	int copy = open_tree(root, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	return copy < 0 ? err_sys(err, errno, "take the overlay along") : copy;
}

static void *run(void *arg)
{
	struct aside *a = arg;

	a->r = mount_it(a);
	return NULL;
}

int rootaside_open(const struct overlay *o, const char *state_dir, struct err *err)
{
	struct aside a = { .overlay = o, .state_dir = state_dir, .err = err };
	pthread_t thread;
	int r = thread_start(&thread, STACK_BYTES, run, &a);

	if (r < 0)
		return err_sys(err, r, "start a thread");
	pthread_join(thread, NULL);
	return a.r;
}
