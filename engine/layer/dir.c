/* SPDX-License-Identifier: Apache-2.0 */
/* Driver `dir`: a layer is a directory as overlayfs takes it, STATE/layers/DIFF/fs. Works wherever
 * overlayfs does; costs a few system calls a file. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fd.h"
#include "lease.h"
#include "str.h"

/* Whiteouts and opaque directories must be possible. */
static int dir_probe(const struct layers *layers, struct err *err)
{
	cleanup(lease_deinit) struct lease lease = LEASE_NULL;
	int r = lease_open_to_free(&lease, layers->state_fd, err);

	if (r < 0)
		return r;
	if (mknodat(lease.fd, "whiteout", S_IFCHR, makedev(0, 0)) < 0)
		return err_sys(err, errno, "make a whiteout in the state directory");
	if (fsetxattr(lease.fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return err_sys(err, errno, "set trusted.overlay.opaque in the state directory");
	return 0;
}

static int dir_sync(const struct layers *layers, int lease_fd, struct err *err)
{
	(void)layers;
	return syncfs(lease_fd) < 0 ? err_sys(err, errno, "write the layers to disk") : 0;
}

static int dir_describe(int dir_fd, struct layerrecord *record, struct err *err)
{
	(void)dir_fd;
	(void)record;
	(void)err;
	return 0;
}

static bool dir_owns(const struct layers *layers, const char *diff)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/fs", diff);
	return faccessat(layers->layers_fd, path, F_OK, 0) == 0;
}

static int dir_path(const struct layers *layers, const char *diff, char **out)
{
	*out = str_printf("%s/layers/%s/fs", layers->state_dir, diff);
	return *out ? 0 : -ENOMEM;
}

static int dir_open(struct layers *layers, const char *diff, struct err *err)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/fs", diff);
	int fd = openat(layers->layers_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open layer %.12s", diff) : fd;
}

const struct layer_driver layer_driver_dir = {
	.name = "dir",
	.job = "load",
	.layer_job = "layer",
	.tar_job = "layer-tar",
	.probe = dir_probe,
	.sync = dir_sync,
	.describe = dir_describe,
	.owns = dir_owns,
	.path = dir_path,
	.open = dir_open,
};
