/* SPDX-License-Identifier: Apache-2.0 */
/* A small record in a file of two slots that are written in turn; the newer complete one counts. It is
 * replaced without a new file, so writing neither needs room on the disk, which was taken when the file
 * was made, nor makes the file system journal anything. Readers need no lock. One writer.
 * A kernel that dies may leave an older record, or none in a file just made. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"

enum { SLOTFILE_SLOT = 4096, SLOTFILE_RECORD_MAX = SLOTFILE_SLOT - 24 };

struct slotfile {
	int fd;
	uint64_t number; /* of the newest record, 0 = none */
};
#define SLOTFILE_NULL ((struct slotfile){ -1, 0 })

/* Opens the file for writing and makes it if there is none. -ENOSPC when there is no room for it. */
int slotfile_open(struct slotfile *file, int dir_fd, const char *name) must_check;
void slotfile_deinit(struct slotfile *file);
/* -EMSGSIZE for a record that is too long. On failure the record of before is still there. */
int slotfile_write(struct slotfile *file, const void *record, size_t len) must_check;

/* Appends the newest record to *out. -ENOENT without a file; -ENODATA when nothing was ever written. */
int slotfile_read(int dir_fd, const char *name, struct buf *out) must_check;
/* The newest record in a file's bytes, borrowed. Its number, 0 = there is none. Pure. */
uint64_t slotfile_newest(const void *bytes, size_t n, const void **record, size_t *len) must_check;
