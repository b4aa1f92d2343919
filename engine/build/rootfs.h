/* SPDX-License-Identifier: Apache-2.0 */
/* A stage's files for looking into and adding to: an overlay that only this process has, as a descriptor.
 * Nothing appears in anybody's mount namespace, and the mount ends with its last descriptor. */
#pragma once

#include <stddef.h>

#include "err.h"
#include "mem.h"

/* `lower` are directories, topmost first, at least one; upper_fd and work_fd (on one file system) take what
 * is written, -1 both = read-only. All borrowed. `state_dir` is the engine's. Returns an owned descriptor of the root
 * directory. Blocks. */
int rootfs_open(const char *state_dir, const int *lower, size_t n_lower, int upper_fd, int work_fd,
		struct err *err) must_check;
