/* SPDX-License-Identifier: Apache-2.0 */
/* A limit of the bytes below directories, by the project quotas of their file system: ext4 and XFS mounted with
 * prjquota (quotactl(2), ioctl_xfs_fsgetxattr(2)). No record is kept but the file system's own. The functions block
 * on it and are thread-safe. Root in a container without a user namespace of its own may change the project of its files
 * (chattr -p): a limit keeps accidents in, not malice. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

/* All that comes to be below the directories, which must be empty and of one file system, takes so many bytes at most,
 * together; the writer of more gets EDQUOT. ERR_INVALID, reason QUOTA_UNSUPPORTED, when the file system has no such
 * quotas. */
int quota_limit(const int *dirs, size_t n, uint64_t bytes, struct err *err) must_check;
/* The project quota_limit() gave the directory at `path`, 0 when it has none. */
uint32_t quota_project(int at, const char *path);
/* When the directories are gone: the project may be another's. `at` is any directory of the file system. */
void quota_forget(int at, uint32_t project);
