/* SPDX-License-Identifier: Apache-2.0 */
/* Without redirects and the like: whatever the upper directory holds must be what a layer can say. Volatile,
 * as the layer made of it is what gets to the disk. */
#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

#include "fd.h"
#include "overlay.h"

enum { FD_PATH_MAX = 32 };

static int refused(int fs, int e, struct err *err)
{
	char text[120];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return err_sys(err, e, "mount the stage's files%s%s", n > 0 ? ": " : "", text);
}

static int set_dir(int fs, const char *key, int fd)
{
	char path[FD_PATH_MAX];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0) < 0 ? -errno : 0;
}

/* By descriptor from Linux 6.13 on, by name from 6.8 on. */
static int add_lower(int fs, int fd)
{
	return fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, fd) == 0
		       ? 0
		       : set_dir(fs, "lowerdir+", fd);
}

static int set_upper(int fs, int upper_fd, int work_fd)
{
	int r = set_dir(fs, "upperdir", upper_fd);

	r = r ? r : set_dir(fs, "workdir", work_fd);
	if (r == 0)
		(void)fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0);
	return r;
}

static int configure(int fs, const int *lower, size_t n, int upper_fd, int work_fd)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_lower(fs, lower[i]);
	if (r == 0 && upper_fd >= 0)
		r = set_upper(fs, upper_fd, work_fd);
	if (r == 0 && fsconfig(fs, FSCONFIG_SET_STRING, "redirect_dir", "off", 0) < 0)
		r = -errno;
	if (r == 0 && fsconfig(fs, FSCONFIG_SET_STRING, "metacopy", "off", 0) < 0)
		r = -errno;
	return r == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : r;
}

int rootfs_open(const int *lower, size_t n, int upper_fd, int work_fd, struct err *err)
{
	if (upper_fd < 0 && n == 1) { /* an overlay has two directories at least */
		int only = openat(lower[0], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		return only < 0 ? err_sys(err, errno, "open the stage's files") : only;
	}
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	int r = fs < 0 ? -errno : configure(fs, lower, n, upper_fd, work_fd);

	if (r < 0)
		return fs < 0 ? err_sys(err, r, "open an overlay") : refused(fs, r, err);
	cleanup_fd int mount = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);

	if (mount < 0)
		return refused(fs, errno, err);
	r = upper_fd < 0 ? 0 : overlay_check_writable(mount, work_fd, err);
	return r < 0 ? r : steal_fd(&mount);
}
