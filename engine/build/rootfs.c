/* SPDX-License-Identifier: Apache-2.0 */
/* Without redirects and the like: whatever the upper directory holds must be what a layer can say. Volatile,
 * as the layer made of it is what gets to the disk. */
#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

#include "overlay.h"
#include "rootaside.h"

enum { ENTRY_LEN = 16 };

static const char *name(char entry[ENTRY_LEN], int fd)
{
	(void)snprintf(entry, ENTRY_LEN, "fd:%d", fd);
	return entry;
}

static int open_overlay(const struct overlay *o, const char *state_dir, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID };
	cleanup_fd int tree = overlay_make(o, err);

	if (tree == -EAGAIN)
		tree = rootaside_open(o, state_dir, err);
	if (tree < 0)
		return err_wrap(err, tree, "mount the stage's files");
	return mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0
		       ? err_sys(err, errno, "mount the stage's files")
		       : steal_fd(&tree);
}

int rootfs_open(const char *state_dir, const int *lower, size_t n, int upper_fd, int work_fd,
		struct err *err)
{
	if (upper_fd < 0 && n == 1) { /* an overlay has two directories at least */
		int only = openat(lower[0], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		return only < 0 ? err_sys(err, errno, "open the stage's files") : only;
	}
	cleanup_free char(*names)[ENTRY_LEN] = calloc(n, sizeof(*names));
	cleanup_free const char **entries = calloc(n, sizeof(*entries));
	char upper[ENTRY_LEN], work[ENTRY_LEN];

	if (!names || !entries)
		return err_sys(err, ENOMEM, "mount the stage's files");
	for (size_t i = 0; i < n; i++)
		entries[i] = name(names[i], lower[i]);
	const struct overlay o = { .lower = entries,
				   .n_lower = n,
				   .upper = upper_fd < 0 ? NULL : name(upper, upper_fd),
				   .work = upper_fd < 0 ? NULL : name(work, work_fd),
				   .is_volatile = true,
				   .is_plain = true };

	return open_overlay(&o, state_dir, err);
}
