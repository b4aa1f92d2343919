/* SPDX-License-Identifier: Apache-2.0 */
/* One header of a tar: its fields' places, and the entry it and what extended headers said make. Private to the parser
 * of tars. Pure. */
#pragma once

#include <stdbool.h>

#include "mem.h"
#include "tar.h"
#include "tarpax.h"

/* Offsets and lengths (tar(5)). */
enum {
	TARHEADER_NAME_LEN = 100,
	TARHEADER_SIZE = 124,
	TARHEADER_LONG_LEN = 12,
	TARHEADER_TYPE = 156,
	TARHEADER_PREFIX_LEN = 155,
	TARHEADER_GNU_SPARSE = 386, /* its table of pieces */
	TARHEADER_GNU_SPARSE_ROWS = 4,
	TARHEADER_GNU_MORE = 482, /* rows follow in a block of their own */
	TARHEADER_GNU_REAL_SIZE = 483,
	TARHEADER_TABLE_ROWS = 21, /* of such a block */
	TARHEADER_TABLE_MORE = 504,
	TARHEADER_GNU_SPARSE_TYPE = 'S',
};

/* The header's own names, when nothing else was said. */
struct tarheader_names {
	char path[TARHEADER_PREFIX_LEN + TARHEADER_NAME_LEN + 2], link[TARHEADER_NAME_LEN + 1];
};

/* Whether it is of the old GNU form. */
bool tarheader_is_gnu(const unsigned char header[TAR_BLOCK]);
/* A table of pieces where the type has none: some readers go by it, whatever the type. */
bool tarheader_stray_table(const unsigned char header[TAR_BLOCK]);
/* The entry but for its sizes; it borrows from `said` and `names`. NULL, or what is wrong; type, names and `sparse` are
 * set then too. */
const char *tarheader_read(const unsigned char header[TAR_BLOCK], const struct tarpax *said,
			   struct tarheader_names *names, struct tar_entry *out) must_check;
