/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar as a gzip blob, for registries. */
#pragma once

#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "lease.h"
#include "mem.h"

/* Compresses the file `in_fd` into `name` below the lease, on disk when it returns; its digest and size. The same
 * bytes give the same blob. Blocks; gives up when stop_fd (-1 = none) is readable. */
int gzipped_make(int in_fd, const struct lease *lease, const char *name, int stop_fd,
		 char digest[72], uint64_t *size_bytes, struct err *err) must_check;
