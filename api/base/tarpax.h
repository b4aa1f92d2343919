/* SPDX-License-Identifier: Apache-2.0 */
/* What extended headers of a tar say about the next entry: records of pax(1), and the names of GNU's headers. Private to
 * the parser of tars. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"
#include "tar.h"
#include "tarsparse.h"

enum { TARPAX_XATTRS_MAX = 256 };

struct tarpax {
	bool pax, name, link; /* headers that were there */
	bool has_size, has_mtime, has_uid, has_gid;
	bool sparse, odd; /* it is about holes; and in a form that is not known */
	bool counted; /* the number of pieces was said, which begins their list in the form 0.0 */
	char *pax_text, *name_text, *link_text;  /* owned */
	const char *path, *target, *sparse_path; /* in those; NULL = not said */
	char major, minor;                       /* of the form of holes, 0 = not said */
	int64_t size, real_size, mtime, uid, gid;
	uint32_t nsec;
	struct tarsparse holes;
	size_t n_xattrs;
	struct tar_xattr xattrs[TARPAX_XATTRS_MAX]; /* in pax_text */
};

/* The n bytes of a pax header, with a NUL behind them, consumed. -EINVAL when they cannot be read or name what has been
 * named, -E2BIG beyond XATTRS_MAX and TARSPARSE_PIECES_MAX, -ENOMEM. */
int tarpax_take(struct tarpax *s, char *text, size_t n) must_check;
void tarpax_deinit(struct tarpax *s);
