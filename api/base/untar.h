/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a tar entry by entry, from wherever its bytes come; tarparse.h says which. Does no more than its `read` does. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "mem.h"
#include "tar.h"

/* The next bytes, borrowed until the next call: their number, 0 at the end, -errno with *err set. */
typedef ssize_t untar_read_fn(void *ctx, const void **data, struct err *err);

struct tarparse;

struct untar {
	untar_read_fn *read;
	void *ctx;
	struct tar_entry entry; /* the one at hand; what it points to is valid until the next */
	uint64_t at;            /* where in the file the data that was given last begins */
	/* private */
	struct tarparse *parse;
	const char *bytes;
	size_t n_bytes;
};

/* With read and ctx set and the rest zero. The next entry: 1 with it in u->entry; 0 at the archive's end; -EINVAL
 * when it is damaged. Data of the one before that was not read is passed over. Its type may be what no enum tar_type
 * is. */
int untar_next(struct untar *u, struct err *err) must_check;
/* The next data of the entry, borrowed: their number, 0 at its end, -errno. Where a file has a hole there is none. */
ssize_t untar_data(struct untar *u, const void **data, struct err *err) must_check;
void untar_deinit(struct untar *u);
