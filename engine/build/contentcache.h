/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of files that came with contexts of earlier builds, by their digest: STATE/contents/ab/cdef... . A file's
 * time is that of its last use. What is used is taken by a hard link, so that anything can be removed at any
 * moment. All functions block on the file system. */
#pragma once

#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

/* The directory, made if absent: an owned descriptor, -errno. */
int contentcache_open(const struct engine *engine) must_check;
/* Gives `hex` of the cache that name in dir_fd, too, and says that it was used: 1, 0 when it is not there. */
int contentcache_take(int cache_fd, const char hex[65], int dir_fd) must_check;
/* Moves all files of dir_fd, whose names are their digests and which are on disk, into the cache. */
int contentcache_keep(int cache_fd, int dir_fd) must_check;

/* Calls `each` for every file, until it returns other than 0, and returns that. */
int contentcache_each(const struct engine *engine,
		      int (*each)(void *ctx, int64_t used_ns, uint64_t bytes), void *ctx,
		      struct err *err) must_check;

struct contentcache_usage {
	uint64_t files, bytes;
};
int contentcache_usage(const struct engine *engine, struct contentcache_usage *out,
		       struct err *err) must_check;
/* Removes what was used last before until_ns (0 = all), and adds the bytes to *freed. */
int contentcache_prune(const struct engine *engine, int64_t until_ns, uint64_t *freed,
		       struct err *err) must_check;
/* Removes what has not been used for long, and, of the rest, what was used longest ago until it is no more than the
 * configuration allows. A chore_fn. */
void contentcache_trim(struct engine *engine, const char *unused);
