/* SPDX-License-Identifier: Apache-2.0 */
/* Between the reader and its formats: how the files of a log are called, and how their bytes become
 * entries. Private to engine/log. */
#pragma once

#include "logreader.h"

enum { LOGFORMAT_NAME_MAX = 96 };

/* An entry found in a file, and how many bytes it takes there. */
struct log_found {
	struct log_entry entry;
	size_t on_disk;
};

struct logformat {
	/* Most bytes one entry takes on disk. */
	size_t entry_max;
	/* The file after the one with `number`, in the order of time: its number, 0 = none. With number 0
	 * the oldest. `fd` is the directory. */
	uint32_t (*next_file)(int fd, const char *id, uint32_t number);
	/* The file before it; with number 0 the newest. */
	uint32_t (*previous_file)(int fd, const char *id, uint32_t number);
	int (*open_file)(int fd, const char *id, uint32_t number);
	/* The entry at the start of n bytes: 1, 0 when it is not whole yet, -EBADMSG. `scratch` (of
	 * entry_max bytes) may hold its data. */
	int (*decode)(const char *bytes, size_t n, char *scratch, struct log_found *found);
	/* As decode for the entry that ends at the end of the n bytes. */
	int (*decode_last)(const char *bytes, size_t n, char *scratch, struct log_found *found);
	/* Bytes of all files before this one; for formats whose entries do not tell their position: it is
	 * this and the place in the file. NULL = they tell. */
	uint64_t (*base)(int fd);
	/* A rotation gives the files other numbers. */
	bool renames;
};

extern const struct logformat logformat_local, logformat_json;
