/* SPDX-License-Identifier: Apache-2.0 */
/* The root file system of a container as an overlay of its layers (overlayfs, kernel documentation). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"

struct overlay {
	const char *const *lower; /* topmost first; "fd:N" or a path */
	size_t n_lower;
	const char *upper, *work; /* the same; NULL = read-only */
	bool is_volatile;         /* upper is thrown away with the container: nothing is synced */
	bool is_plain; /* upper holds only what a layer can say: no redirects and the like */
};

/* Mounts the overlay on `root` below `dir_fd`, in the caller's mount namespace. Returns its owned descriptor.
 * -EINVAL for a layer that is no descriptor, else as mount(2). Blocks as mounting does. */
int overlay_mount(const struct overlay *o, int dir_fd, const char *root,
		  struct err *err) must_check;

/* The same by the directories' names, as kernels before 6.8 want it: each is in a mount of the caller's mount namespace,
 * or was in one of the namespace this is a copy of, and is opened anew by the name it has now. -ENOENT when it has
 * none. */
int overlay_mount_names(const struct overlay *o, int dir_fd, const char *root,
			struct err *err) must_check;

/* The same as a mount that is in no namespace, on kernels from 6.8 on. -EAGAIN without words on others, where only
 * overlay_mount() will do, in a namespace where all layers are mounted. */
int overlay_make(const struct overlay *o, struct err *err) must_check;

/* Which descriptor an entry of `lower` is, in *fd (borrowed); -1 = it is a path. -EINVAL. */
int overlay_layer_fd(const char *entry, int *fd, struct err *err) must_check;

/* overlayfs that cannot make its own directory below workdir, as on a full disk, mounts read-only and does not say
 * why. 0 when `mount` is not read-only, else -errno of the same done in work_fd. Blocks. */
int overlay_check_writable(int mount, int work_fd, struct err *err) must_check;
