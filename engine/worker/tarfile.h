/* SPDX-License-Identifier: Apache-2.0 */
/* A big file written once, from start to end, past the page cache where the file system can do that: the
 * kernel's time for it is a tenth, and nobody's cached files make room. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"

struct tarfile {
	int fd;
	char *block; /* aligned */
	size_t have;
	uint64_t size;
};
#define TARFILE_NULL ((struct tarfile){ .fd = -1 })

/* Makes `name` below dir_fd. Close with tarfile_deinit(), also after a failure. */
int tarfile_open(struct tarfile *file, int dir_fd, const char *name, struct err *err) must_check;
int tarfile_write(struct tarfile *file, const void *data, size_t n, struct err *err) must_check;
/* Writes what is left. */
int tarfile_finish(struct tarfile *file, struct err *err) must_check;
void tarfile_deinit(struct tarfile *file);
