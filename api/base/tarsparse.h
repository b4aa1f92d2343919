/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of files with holes in tars: GNU's old table, and the lists of pax 0.0, 0.1 and 1.0 (GNU tar's manual, "Sparse
 * Formats"). A piece that is no whole number of blocks is refused, but at the file's end: readers disagree about where
 * the next one begins. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"
#include "tar.h"

enum {
	TARSPARSE_PIECES_MAX = 1 << 16, /* of one file */
	TARSPARSE_CHUNKS_MAX = 4 << 20, /* of one file, by tarsparse_chunks() */
	TARSPARSE_BITS_MAX = 40,
};
#define TARSPARSE_SIZE_MAX (UINT64_C(8) << 40) /* bytes: what file systems can have */

struct tarsparse {
	struct tar_piece *v; /* owned */
	size_t n, cap;
	bool half; /* the last one's length is missing */
	/* of a list of pax 1.0: */
	uint64_t number, left; /* the one at hand, those still to come */
	bool counted, digits;
};

/* The next number of a list: a piece's place, its length, and so on. -EINVAL, -E2BIG beyond PIECES_MAX, -ENOMEM. */
int tarsparse_add(struct tarsparse *s, int64_t number) must_check;
/* "PLACE,LENGTH,PLACE,LENGTH". The same. */
int tarsparse_list(struct tarsparse *s, const char *text) must_check;
/* The old table's next n rows; an empty one is its end. The same. */
int tarsparse_table(struct tarsparse *s, const unsigned char *rows, size_t n) must_check;
/* The next block of a pax 1.0 list: 1 when it was the last, 0, or the same. */
int tarsparse_block(struct tarsparse *s, const unsigned char block[TAR_BLOCK]) must_check;
/* There are no more: the pieces of a file of `size` bytes get their offsets, the first one's and those behind it; empty
 * ones go. -EINVAL when they do not fit the file or the `stored` bytes, -ENOTSUP for pieces of blocks and too many
 * chunks. */
int tarsparse_finish(struct tarsparse *s, uint64_t size, uint64_t stored,
		     uint64_t offset) must_check;
void tarsparse_deinit(struct tarsparse *s);

/* The largest chunks, of 1 << *bits bytes, of which each is all a hole or all in one piece; how many there are. */
uint64_t tarsparse_chunks(const struct tar_piece *pieces, size_t n, uint64_t size,
			  unsigned int *bits) must_check;
