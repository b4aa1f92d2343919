/* SPDX-License-Identifier: Apache-2.0 */
/* The directories that RUN --mount=type=cache keeps in STATE/build (runcache.c), as usage and prune see them: entries
 * of the build cache that no image has. Blocks on the file system. */
#pragma once

#include "cache.h"

/* As cache_list(); `active` is one that a build is using. */
int cachedirs_list(struct engine *engine, int (*each)(void *ctx, const struct cache_entry *entry),
		   void *ctx, struct err *err) must_check;
/* Removes those that no build is using, last used before until_ns (0 = whenever); appends their names and adds their
 * bytes. */
int cachedirs_prune(struct engine *engine, int64_t until_ns, struct strings *keys, uint64_t *bytes,
		    struct err *err) must_check;
