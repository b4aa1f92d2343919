/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as the tar that is a build's context: what .dockerignore leaves, in the order of its names, with
 * root as its owner. Blocks on the file system. */
#pragma once

#include <stddef.h>

#include "err.h"
#include "ignore.h"
#include "mem.h"

/* Where the bytes go: 0, 1 to stop without an error, or -errno. */
typedef int buildcontext_sink(void *ctx, const void *data, size_t n, struct err *err);

/* 0, what the sink said other than that, or -errno. */
int buildcontext_pack(int dir_fd, const struct ignore *ignore, buildcontext_sink *sink, void *ctx,
		      struct err *err) must_check;
