/* SPDX-License-Identifier: Apache-2.0 */
/* Directories below a root that is no place to trust: links in it are resolved inside of it. Blocks on the
 * file system. */
#pragma once

#include <sys/types.h>

#include "err.h"
#include "mem.h"

/* The directory `path` (absolute, clean), made with its parents where it is missing: mode 0755, with this
 * owner. Returns an owned descriptor (O_PATH). -EINVAL when a part of it is no directory. */
int dirs_make(int root_fd, const char *path, uid_t uid, gid_t gid, struct err *err) must_check;
/* The same for all but the last part, *name, which borrows from `path`. */
int dirs_make_parent(int root_fd, const char *path, uid_t uid, gid_t gid, const char **name,
		     struct err *err) must_check;
/* The directory as it is: an owned descriptor (O_PATH), or -errno. */
int dirs_open(int root_fd, const char *path) must_check;
