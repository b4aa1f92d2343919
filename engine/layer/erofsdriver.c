/* SPDX-License-Identifier: Apache-2.0 */
/* Driver `erofs`: a layer is its tar and a small index by which the kernel reads it, STATE/layers/DIFF/tar
 * and index; no file of the layer is ever created. */
#include "driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "erofslayer.h"
#include "erofsmount.h"
#include "fd.h"
#include "lease.h"

static int erofs_probe(const struct layers *layers, struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	struct statfs fs;
	int r = erofsmount_gate(err);

	if (r < 0)
		return r;
	if (fstatfs(layers->state_fd, &fs) < 0)
		return err_sys(err, errno, "ask for the state directory's file system");
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		return err_set(err, ERR_UNIMPLEMENTED, "the state directory is on an overlay");
	r = lease_open(&lease, layers->state_fd, err);
	return r < 0 ? r : erofsmount_probe(lease.fd, err);
}

/* ---- making */

/* Documents lie beside the layers, and what turned out to be no layer has no index; both are 0. */
static int sync_layer(int lease_fd, const char *name)
{
	cleanup_fd int dir =
		openat(lease_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = dir < 0 ? -errno : erofslayer_sync_file(dir, "tar");

	r = r ? r : erofslayer_sync_file(dir, "index");
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int erofs_sync(const struct layers *layers, int lease_fd, struct err *err)
{
	int fd = openat(lease_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd_dir(fd);

	(void)layers;
	if (!dir)
		return err_sys(err, errno, "write the layers to disk");
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			r = sync_layer(fd, e->d_name);
	closedir(dir);
	return r < 0 ? err_sys(err, r, "write the layers to disk") : 0;
}

static bool erofs_owns(const struct layers *layers, const char *diff)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/tar", diff);
	return faccessat(layers->layers_fd, path, F_OK, 0) == 0;
}

static int erofs_path(const struct layers *layers, const char *diff, char **out)
{
	(void)layers;
	(void)diff;
	*out = NULL;
	return 0;
}

/* ---- using */

static int erofs_open(struct layers *layers, const char *diff, struct err *err)
{
	int fd = mountcache_get(&layers->mounts, diff);

	if (fd != -ENOENT)
		return fd < 0 ? err_sys(err, fd, "layer %.12s", diff) : fd;
	fd = erofslayer_mount(layers, diff, err);
	if (fd < 0)
		return fd;
	/* another thread may have been faster: then all use that one's */
	mountcache_put(&layers->mounts, diff, fd);
	close(fd);
	fd = mountcache_get(&layers->mounts, diff);
	return fd < 0 ? err_sys(err, fd, "layer %.12s", diff) : fd;
}

const struct layer_driver layer_driver_erofs = {
	.name = "erofs",
	.keeps_tar = true,
	.job = "load-erofs",
	.layer_job = "layer-erofs",
	.tar_job = "layer-erofs",
	.probe = erofs_probe,
	.sync = erofs_sync,
	.describe = erofslayer_describe,
	.owns = erofs_owns,
	.path = erofs_path,
	.open = erofs_open,
};
