/* SPDX-License-Identifier: Apache-2.0 */
/* A big file written once, from start to end, past the page cache where the file system can do that: the
 * kernel's time for it is a tenth, and nobody's cached files make room. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

enum { TARFILE_ALIGN = 4096 };

struct tarfile {
	int fd;
	uint64_t size;
};
#define TARFILE_NULL ((struct tarfile){ .fd = -1 })

/* Makes `name` below dir_fd. Close with tarfile_deinit(), also after a failure. */
int tarfile_open(struct tarfile *file, int dir_fd, const char *name, struct err *err) must_check;
/* Writes n bytes. `block` begins at a multiple of TARFILE_ALIGN, and n is one, but for the last call: up to
 * the next one the block is filled with zeroes then. */
int tarfile_write(struct tarfile *file, char *block, size_t n, struct err *err) must_check;
/* Cuts off those. */
int tarfile_finish(struct tarfile *file, struct err *err) must_check;
void tarfile_deinit(struct tarfile *file);
