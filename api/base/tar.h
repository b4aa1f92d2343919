/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of tar archives in the pax interchange format (POSIX.1-2001, pax(1)): what does not fit the fields of
 * a ustar header goes into an extended header before it. Extended attributes are SCHILY.xattr records, as star,
 * libarchive and Docker have them. The same entries give the same bytes. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum { TAR_BLOCK = 512 };

enum tar_type {
	TAR_FILE = '0',
	TAR_HARDLINK = '1',
	TAR_SYMLINK = '2',
	TAR_CHAR = '3',
	TAR_BLOCKDEV = '4',
	TAR_DIR = '5',
	TAR_FIFO = '6',
};

struct tar_xattr {
	const char *name; /* user.note */
	const void *value;
	size_t len;
};

/* Some bytes of a file with holes. */
struct tar_piece {
	uint64_t at, len; /* in the file */
	uint64_t offset;  /* of the bytes in the archive, a multiple of TAR_BLOCK */
};

struct tar_entry {
	enum tar_type type;
	const char *path; /* of a directory with '/' at its end */
	const char *link; /* target of a link, NULL for others */
	uint32_t mode;    /* 07777 */
	uint32_t uid, gid;
	uint64_t size_bytes; /* of TAR_FILE; 0 for others */
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint32_t major, minor; /* of devices */
	const struct tar_xattr *xattrs;
	size_t n_xattrs;
	/* Of what was read alone: */
	uint64_t offset; /* of a file's bytes in the archive, a multiple of TAR_BLOCK */
	bool sparse;     /* zeros but for the pieces, which go up and do not overlap */
	const struct tar_piece *pieces;
	size_t n_pieces;
};

/* Appends the blocks in front of the entry's data. Errors are kept in out->error. */
void tar_head(const struct tar_entry *entry, struct buf *out);
/* Bytes of zeros behind `size_bytes` of data, to the next block. */
size_t tar_padding(uint64_t size_bytes);
/* Appends the archive's end. */
void tar_end(struct buf *out);
