/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of files as archives have them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

struct tar_xattr;

struct attributes {
	struct tar_xattr *v;
	size_t n;
	char *names;
};
/* Of an open file or directory; none where the file system has none. */
int attributes_read(int fd, struct attributes *out) must_check;
void attributes_deinit(struct attributes *a);
/* Whether an attribute goes into archives and comes out of them. Pure. */
bool attributes_keep(const char *key);
/* What overlayfs marks a directory with that hides those below it: 1, 0, -errno. -ENOTSUP with marks that
 * cannot be in a layer. */
int attributes_opaque(int fd) must_check;
