/* SPDX-License-Identifier: Apache-2.0 */
/* The overlay of a container's layers. Kernels from 6.8 on are given one layer after the other, as a
 * name or a descriptor. Older ones take a list of names, short enough for one page, and only of mounts
 * in the caller's own namespace: each layer is opened there anew and named by its descriptor, which
 * also spares the list every escape. */
#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"
#include "str.h"

#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif

enum { FD_PATH_LEN = 32, LINK_LEN_MAX = 4096 };

int overlay_layer_fd(const char *entry, int *fd, struct err *err)
{
	int64_t number;

	*fd = -1;
	if (!str_has_prefix(entry, "fd:"))
		return 0;
	if (str_int_in(entry + 3, 0, INT32_MAX, &number))
		return err_set(err, ERR_INVALID, "overlay layer \"%.40s\" is no descriptor", entry);
	*fd = (int)number;
	return 0;
}

static void fd_path(int fd, char out[FD_PATH_LEN])
{
	(void)snprintf(out, FD_PATH_LEN, "/proc/self/fd/%d", fd);
}

/* What an entry names, opened anew. */
static int open_entry(const char *entry, struct err *err)
{
	int fd, r = overlay_layer_fd(entry, &fd, err);

	if (r)
		return r;
	r = fd >= 0 ? openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)
		    : open(entry, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r >= 0 ? r : err_sys(err, errno, "open the overlay's directory %s", entry);
}

static int add_lower(int fs, const char *entry, struct err *err)
{
	char path[FD_PATH_LEN];
	int fd, r = overlay_layer_fd(entry, &fd, err);

	if (r)
		return r;
	if (fd >= 0) {
		/* Nobody who is executed from here on needs it. */
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (!fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, fd))
			return 0;
		/* Kernels before 6.13 take names only. */
		fd_path(fd, path);
	}
	if (fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", fd >= 0 ? path : entry, 0))
		return err_sys(err, errno, "add overlay layer %s", entry);
	return 0;
}

/* The kernel's last words, "" = none; those before are about what was tried and did not matter. */
static void last_words(int fs, char text[160])
{
	char next[160];
	ssize_t n;

	text[0] = '\0';
	while ((n = read(fs, next, sizeof(next) - 1)) > 0) {
		next[n] = '\0';
		(void)snprintf(text, sizeof(next), "%s",
			       str_has_prefix(next, "e ") ? next + 2 : next);
	}
	text[strcspn(text, "\n")] = '\0';
}

/* Why an overlay was refused. */
static int refused(int fs, struct err *err, const char *what)
{
	int e = errno;
	char text[160];

	last_words(fs, text);
	return err_sys(err, e, "%s%s%s%s", what, text[0] ? " (" : "", text, text[0] ? ")" : "");
}

/* The end of an overlay syncs the whole file system its upper directory is on, unless it is volatile
 * (overlayfs.rst, "Volatile mount"). The mark by which the kernel refuses to mount such a directory again
 * tells of a crash of the host; within one boot all that was written is there, and the mark is taken away.
 * A kernel before 5.10 knows no volatile overlay and syncs. */
static int remove_mark(const struct overlay *o, struct err *err)
{
	cleanup_fd int work = open_entry(o->work, err);
	int r = work < 0 ? 0 : fd_remove_tree(work, "work/incompat");

	if (work < 0)
		return work;
	return r < 0 ? err_sys(err, r, "prepare the overlay's directory %s", o->work) : 0;
}

int overlay_check_writable(int mount, int work_fd, struct err *err)
{
	struct statvfs about;
	int r;

	if (fstatvfs(mount, &about) < 0 || !(about.f_flag & ST_RDONLY))
		return 0;
	r = mkdirat(work_fd, "probe", 0700) < 0 ? -errno : -EROFS;
	if (r == -EROFS)
		(void)unlinkat(work_fd, "probe", AT_REMOVEDIR);
	return err_sys(err, r, "make a directory for the overlay");
}

/* The same of an overlay that is described; consumes the mount. */
static int writable(const struct overlay *o, int mount, struct err *err)
{
	cleanup_fd int work = open_entry(o->work, err), fd = mount;
	int r = work < 0 ? work : overlay_check_writable(fd, work, err);

	return r < 0 ? r : steal_fd(&fd);
}

static int set_dir(int fs, const char *key, const char *entry, struct err *err)
{
	char path[FD_PATH_LEN];
	int fd, r = overlay_layer_fd(entry, &fd, err);

	if (r)
		return r;
	fd_path(fd, path);
	return fsconfig(fs, FSCONFIG_SET_STRING, key, fd >= 0 ? path : entry, 0)
		       ? refused(fs, err, "set the overlay's upper directory")
		       : 0;
}

static int make_detached(int fs, const struct overlay *o, struct err *err)
{
	int fd, r = o->upper ? set_dir(fs, "upperdir", o->upper, err) : 0;

	if (!r && o->upper)
		r = set_dir(fs, "workdir", o->work, err);
	if (r)
		return r;
	if (o->upper && o->is_volatile)
		(void)fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0);
	if (o->is_plain && (fsconfig(fs, FSCONFIG_SET_STRING, "redirect_dir", "off", 0) ||
			    fsconfig(fs, FSCONFIG_SET_STRING, "metacopy", "off", 0)))
		return refused(fs, err, "set the overlay's options");
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return refused(fs, err, "make the overlay");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		return refused(fs, err, "mount the overlay");
	return o->upper ? writable(o, fd, err) : fd;
}

/* The directory as the caller's mount namespace has it. */
static int reopen(const char *entry, struct err *err)
{
	char link[FD_PATH_LEN], name[LINK_LEN_MAX];
	struct stat given, found;
	int fd, r = overlay_layer_fd(entry, &fd, err);
	ssize_t n;

	if (r)
		return r;
	if (fd >= 0) {
		fd_path(fd, link);
		n = readlink(link, name, sizeof(name) - 1);
		if (n < 0 || fstat(fd, &given))
			return err_sys(err, errno, "read the overlay's directory %s", entry);
		name[n] = 0;
	}
	cleanup_fd int own = open(fd >= 0 ? name : entry, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (own < 0 || fstat(own, &found))
		return err_sys(err, errno, "open the overlay's directory %s", entry);
	if (fd >= 0 && (given.st_dev != found.st_dev || given.st_ino != found.st_ino))
		return err_set(err, ERR_UNIMPLEMENTED,
			       "this kernel takes no detached mount as an overlay layer");
	return steal_fd(&own);
}

static int mount_by_names(const struct overlay *o, const char *lowers, const char *target,
			  struct err *err)
{
	cleanup(buf_deinit) struct buf data = BUF_NULL;
	cleanup_fd int upper = -1, work = -1;

	buf_printf(&data, "lowerdir=%s", lowers);
	if (o->upper) {
		upper = reopen(o->upper, err);
		work = upper < 0 ? -1 : reopen(o->work, err);
		if (upper < 0 || work < 0)
			return upper < 0 ? upper : work;
		buf_printf(&data, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d%s", upper,
			   work, o->is_volatile ? ",volatile" : "");
	}
	if (o->is_plain)
		buf_puts(&data, ",redirect_dir=off,metacopy=off");
	if (data.error)
		return err_sys(err, ENOMEM, "make the overlay");
	return mount("overlay", target, "overlay", 0, data.data)
		       ? err_sys(err, errno, "make the overlay")
		       : 0;
}

int overlay_mount_names(const struct overlay *o, int dir_fd, const char *root, struct err *err)
{
	cleanup(buf_deinit) struct buf lowers = BUF_NULL;
	cleanup_free int *fds = calloc(o->n_lower, sizeof(*fds));
	char target[FD_PATH_LEN];
	size_t n = 0;
	int r = fds ? 0 : err_sys(err, ENOMEM, "make the overlay");

	cleanup_fd int at = openat(dir_fd, root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!r && at < 0)
		r = err_sys(err, errno, "open root file system %s", root);
	while (!r && n < o->n_lower) {
		int fd = reopen(o->lower[n], err);

		if (fd < 0) {
			r = fd;
			break;
		}
		buf_printf(&lowers, "%s/proc/self/fd/%d", n ? ":" : "", fd);
		fds[n++] = fd;
	}
	fd_path(at, target);
	if (!r)
		r = lowers.error ? err_sys(err, ENOMEM, "make the overlay")
				 : mount_by_names(o, lowers.data, target, err);
	while (n)
		close(fds[--n]);
	if (r)
		return r;
	r = openat(dir_fd, root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r >= 0 ? r : err_sys(err, errno, "open root file system %s", root);
}

/* Before 6.5 the file system was configured by a string that nobody looks at before the end: any
 * option is taken. From then on the first unknown one is refused. */
static bool takes_single_layers(int fs)
{
	bool refuses = fsconfig(fs, FSCONFIG_SET_FLAG, "no-such-option", NULL, 0) != 0;
	char text[160];

	last_words(fs, text); /* about that option: no part of a later error's */
	return refuses;
}

int overlay_make(const struct overlay *o, struct err *err)
{
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	int r = fs < 0 ? err_sys(err, errno, "open overlay") : 0;

	if (!r && o->upper && o->is_volatile)
		r = remove_mark(o, err);
	if (r)
		return r;
	if (!takes_single_layers(fs))
		return -EAGAIN;
	for (size_t i = 0; !r && i < o->n_lower; i++) {
		r = add_lower(fs, o->lower[i], err);
		if (r == -EINVAL && i == 0) /* 6.5 to 6.7 */
			return -EAGAIN;
	}
	return r ? r : make_detached(fs, o, err);
}

int overlay_mount(const struct overlay *o, int dir_fd, const char *root, struct err *err)
{
	cleanup_fd int tree = overlay_make(o, err);

	if (tree == -EAGAIN)
		return overlay_mount_names(o, dir_fd, root, err);
	if (tree < 0)
		return tree;
	if (move_mount(tree, "", dir_fd, root, MOVE_MOUNT_F_EMPTY_PATH))
		return err_sys(err, errno, "mount the root file system on %s", root);
	return steal_fd(&tree);
}
