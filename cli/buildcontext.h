/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a build's context: what .dockerignore leaves, listed in the order of its names, and the files of it
 * that the engine then asks for. Blocks on the file system. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cleat/v1/images.pb-c.h"
#include "err.h"
#include "ignore.h"
#include "mem.h"

struct buildcontext {
	int dir_fd;                  /* borrowed */
	const struct ignore *ignore; /* borrowed */
	uint64_t bytes;              /* of all files' contents that were listed */
};

/* Takes the next part of the listing (borrowed): 0, 1 to stop without an error, or -errno. */
typedef int buildcontext_list_fn(void *ctx, const Cleat__V1__BuildRequest__ContextListing *listing,
				 struct err *err);

/* 0, what `list` said other than that, or -errno. Holds one part of the listing at a time. */
int buildcontext_list(struct buildcontext *context, buildcontext_list_fn *list, void *ctx,
		      struct err *err) must_check;
/* The file of that path as an owned descriptor. Nothing is opened that is not part of the context, whatever the
 * engine asks for: -EINVAL. */
int buildcontext_open(const struct buildcontext *context, const char *path,
		      struct err *err) must_check;
