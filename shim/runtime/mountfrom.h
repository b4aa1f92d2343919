/* SPDX-License-Identifier: Apache-2.0 */
/* A mount out of another mount namespace. */
#pragma once

#include "err.h"
#include "mem.h"

/* Clones what is at `path` in the mount namespace ns_fd, as resolved from that one's root, for move_mount(2) into one's own.
 * `flags` as for open_tree(2). Blocks for a moment. Returns an owned descriptor. */
int mountfrom_open(int ns_fd, const char *path, unsigned flags, struct err *err) must_check;
