/* SPDX-License-Identifier: Apache-2.0 */
/* Driver `dir`: a layer is a directory as overlayfs takes it, STATE/layers/DIFF/fs, and beside it the
 * file `size`. Works wherever overlayfs does; costs a few system calls a file. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
	int r = lease_open(&lease, layers->state_fd, err);

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

static int dir_publish(const struct layers *layers, int lease_fd, unsigned int number,
		       const char *diff, uint64_t size_bytes, struct err *err)
{
	char from[16], path[32], text[32];

	snprintf(from, sizeof(from), "%u", number);
	snprintf(path, sizeof(path), "%u/size", number);
	int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", size_bytes);
	int r = fd_replace_file(lease_fd, path, text, (size_t)n, 0600, true);

	if (r == 0 && renameat(lease_fd, from, layers->layers_fd, diff) < 0 && errno != EEXIST &&
	    errno != ENOTEMPTY)
		r = -errno;
	if (r == 0 && fsync(layers->layers_fd) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, r, "publish layer %.12s", diff) : 0;
}

static int dir_lower(const struct layers *layers, const char *diff, char **out)
{
	*out = str_printf("%s/layers/%s/fs", layers->state_dir, diff);
	return *out ? 0 : -ENOMEM;
}

static int dir_remove(const struct layers *layers, const char *diff, int lease_fd)
{
	return renameat(layers->layers_fd, diff, lease_fd, diff) < 0 ? -errno : 0;
}

const struct layer_driver layer_driver_dir = {
	.name = "dir",
	.job = "load",
	.probe = dir_probe,
	.sync = dir_sync,
	.publish = dir_publish,
	.lower = dir_lower,
	.remove = dir_remove,
};
