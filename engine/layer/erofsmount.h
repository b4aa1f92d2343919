/* SPDX-License-Identifier: Apache-2.0 */
/* An EROFS index over a tar as a mount that is in nobody's namespace. */
#pragma once

#include "err.h"
#include "mem.h"

/* 0 when the kernel can be trusted with such a mount at all. To be asked before the first: some panic. */
int erofsmount_gate(struct err *err) must_check;
/* Returns the mount's owned descriptor. The files (borrowed) are held by the mount. Blocks as reading a few
 * blocks of the index does. */
int erofsmount(int index_fd, int tar_fd, struct err *err) must_check;
/* Makes an image in the directory dir_fd, mounts it, an overlay over that, and reads a file of it. */
int erofsmount_probe(int dir_fd, struct err *err) must_check;
