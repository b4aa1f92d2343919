/* SPDX-License-Identifier: Apache-2.0 */
/* File-backed EROFS came with 6.12, but blocks smaller than a page make kernels without the fix of
 * CVE-2024-56750 panic: the version is asked before anything is tried. What else must work is tried, from
 * start to end, as distributions leave parts of it out. */
#include "erofsmount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "erofs.h"
#include "fd.h"
#include "treenode.h"

#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif

enum { MAJOR_MIN = 6, MINOR_MIN = 13, PROBE_TAR = 4096, PROBE_AT = 512 };

static const char probe_text[] = "cleat";

int erofsmount_gate(struct err *err)
{
	struct utsname name;
	char *dot;

	if (uname(&name) < 0)
		return err_sys(err, errno, "read the kernel's version");
	long major = strtol(name.release, &dot, 10), minor = *dot ? strtol(dot + 1, NULL, 10) : 0;

	if (major > MAJOR_MIN || (major == MAJOR_MIN && minor >= MINOR_MIN))
		return 0;
	(void)err_set(err, ERR_UNIMPLEMENTED, "it needs Linux %d.%d, this is %.32s", MAJOR_MIN,
		      MINOR_MIN, name.release);
	return -ENOTSUP;
}

/* The kernel's own words are in its log; errno is all there is here. */
static int refused(struct err *err, const char *what)
{
	return err_sys(err, errno, "%s", what);
}

static int set_path(int fs, const char *key, int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0);
}

int erofsmount(int index_fd, int tar_fd, struct err *err)
{
	cleanup_fd int fs = fsopen("erofs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return refused(err, "open erofs");
	if (set_path(fs, "source", index_fd) || set_path(fs, "device", tar_fd) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return refused(err, "mount the layer's index");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return fd < 0 ? refused(err, "mount the layer's index") : fd;
}

/* ---- the probe */

static int write_probe(int dir_fd, struct tree *tree, struct err *err)
{
	cleanup(buf_deinit) struct buf image = BUF_NULL;
	char tar[PROBE_TAR] = "", tag[EROFS_TAG_LEN + 1] = "";
	struct tree_inode *file = treenode_new(S_IFREG | 0644);

	if (!file || treenode_link(tree, tree->root, "f", 1, file) < 0) {
		free(file);
		return err_sys(err, ENOMEM, "probe");
	}
	file->offset = PROBE_AT;
	file->size = sizeof(probe_text);
	memcpy(tar + PROBE_AT, probe_text, sizeof(probe_text));
	memset(tag, 'f', EROFS_TAG_LEN);
	int r = erofs_write(tree, PROBE_TAR, tag, &image, err);

	if (r < 0)
		return r;
	r = fd_create_file(dir_fd, "index", image.data, image.len, 0600);
	r = r ? r : fd_create_file(dir_fd, "tar", tar, sizeof(tar), 0600);
	return r < 0 ? err_sys(err, r, "write in the state directory") : 0;
}

static int overlay(int layer, int dir_fd, struct err *err)
{
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, layer) ||
	    fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, dir_fd) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return refused(err, "make an overlay of it");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? refused(err, "make an overlay of it") : fd;
}

static int read_probe(int root, struct err *err)
{
	char text[sizeof(probe_text)] = "";
	cleanup_fd int fd = openat(root, "f", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_read_all(fd, text, sizeof(text));

	if (r < 0)
		return err_sys(err, r, "read a file of it");
	return memcmp(text, probe_text, sizeof(text)) == 0
		       ? 0
		       : err_set(err, ERR_INTERNAL, "the kernel reads something else from it");
}

int erofsmount_probe(int dir_fd, struct err *err)
{
	cleanup(tree_deinit) struct tree tree = { 0 };
	int r = tree_init(&tree) < 0 ? err_sys(err, ENOMEM, "probe")
				     : write_probe(dir_fd, &tree, err);

	if (r < 0)
		return r;
	cleanup_fd int index = openat(dir_fd, "index", O_RDONLY | O_CLOEXEC);
	cleanup_fd int tar = openat(dir_fd, "tar", O_RDONLY | O_CLOEXEC);
	cleanup_fd int layer = index < 0 || tar < 0 ? err_sys(err, errno, "open the probe")
						    : erofsmount(index, tar, err);
	cleanup_fd int root = layer < 0 ? layer : overlay(layer, dir_fd, err);

	return root < 0 ? root : read_probe(root, err);
}
