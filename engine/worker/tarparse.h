/* SPDX-License-Identifier: Apache-2.0 */
/* A tar, parsed as its bytes pass by, with the place of each file's bytes in it: what an index over the tar
 * needs. ustar, pax, GNU long names and base-256 numbers (tar(5)). What two readers could understand
 * differently is refused. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"
#include "tar.h"

enum {
	TAR_EXTENSION_MAX = 1 << 20, /* bytes of one extended header */
	TAR_XATTRS_MAX = 256,
};

/* All borrowed until the callback returns. */
struct tarparse_entry {
	char type;               /* enum tar_type, or what no layer can have */
	const char *path, *link; /* link: "" where there is none */
	uint32_t mode;           /* 07777 */
	uint32_t uid, gid;
	int64_t mtime; /* UNIX time */
	uint32_t mtime_nsec;
	uint64_t size, offset; /* of a file's bytes; offset in the tar, a multiple of TAR_BLOCK */
	uint32_t major, minor;
	const struct tar_xattr *xattrs;
	size_t n_xattrs;
};

typedef int tarparse_entry_fn(void *ctx, const struct tarparse_entry *entry, struct err *err);

struct tarparse;

/* `entry` is called for each entry; a result other than 0 ends the parsing with it. -ENOMEM. */
int tarparse_new(struct tarparse **out, tarparse_entry_fn *entry, void *ctx) must_check;
struct tarparse *tarparse_free(struct tarparse *p);
void tarparse_freep(struct tarparse **p);
/* The next n bytes of the tar. Those behind its end are of no interest. */
int tarparse_feed(struct tarparse *p, const void *data, size_t n, struct err *err) must_check;
/* There are no more bytes: an error when something is missing. */
int tarparse_end(const struct tarparse *p, struct err *err) must_check;
