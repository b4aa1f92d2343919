/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tar archives: ustar, and of pax and GNU what carries names, sizes, owners, times and attributes. For
 * archives that a program of ours has written; a stranger's are libarchive's, in a worker. Still every byte may be
 * wrong: that is an error, and never more. Does no more than its `read` does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "tar.h"

enum { UNTAR_EXTENDED_MAX = 1 << 20, UNTAR_XATTRS_MAX = 64 };

/* The next bytes, borrowed until the next call: their number, 0 at the end, -errno with *err set. */
typedef ssize_t untar_read_fn(void *ctx, const void **data, struct err *err);

struct untar {
	untar_read_fn *read;
	void *ctx;
	struct tar_entry entry; /* the one at hand; what it points to is valid until the next */
	/* private */
	uint64_t left; /* of its data and padding */
	size_t padding;
	const char *bytes;
	size_t n_bytes;
	struct buf extended, path, link;
	struct tar_xattr xattrs[UNTAR_XATTRS_MAX];
};

/* With read and ctx set and the rest zero. The next entry: 1 with it in u->entry; 0 at the archive's end; -EINVAL
 * when it is damaged. Data of the one before that was not read is passed over. */
int untar_next(struct untar *u, struct err *err) must_check;
/* The next data of the entry, borrowed: their number, 0 at its end, -errno. */
ssize_t untar_data(struct untar *u, const void **data, struct err *err) must_check;
void untar_deinit(struct untar *u);
