/* SPDX-License-Identifier: Apache-2.0 */
/* An EROFS image that holds names and metadata alone: the files' bytes are where they are in the tar, which
 * is its extra device. Read by the kernel from 6.13 on, with blocks of 512 bytes as a tar has. Pure. */
#pragma once

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "tree.h"

enum { EROFS_TAG_LEN = 64 };

/* Writes the image of `tree` over a tar of `tar_size` bytes to the empty *out. The tree gets its
 * places. `tag`: 64 characters that name the tar. The same tree gives the same bytes.
 * -EFBIG with a sentence when the format has no room for it, -ENOMEM. */
int erofs_write(struct tree *tree, uint64_t tar_size, const char *tag, struct buf *out,
		struct err *err) must_check;
