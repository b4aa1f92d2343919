/* SPDX-License-Identifier: Apache-2.0 */
/* A context's files as a client lists them: all but their contents. They are in the order of a walk, a directory before
 * what is in it and names by their bytes, so what is below a directory is a range. A million of them take 24 MB of
 * memory; the rest is a file that has no name. Not thread-safe until it has ended, constant from then on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleat/v1/images.pb-c.h"
#include "err.h"
#include "mem.h"
#include "sha256.h"

enum {
	LISTING_FILES_MAX = 4 << 20,
	LISTING_PATH_MAX = 4095,
	LISTING_NAME_MAX = 255,
	LISTING_DEPTH_MAX = 255,
	LISTING_ROOT = 0, /* the context itself */
};

struct listing;

/* `dir_fd` is where the file without a name is to be. Blocks on the file system, as listing_add() does. */
int listing_new(struct listing **out, int dir_fd, struct err *err) must_check;
/* NULL is fine; returns NULL. */
struct listing *listing_free(struct listing *listing);
void listing_freep(struct listing **listing);
/* The next file. -EINVAL naming it: no clean relative path, out of order, twice, in no directory, of a type no context can
 * have. */
int listing_add(struct listing *listing, const Cleat__V1__BuildRequest__ContextFile *file,
		struct err *err) must_check;
/* That was all: from now on it can be read, and nothing be added. */
int listing_end(struct listing *listing, struct err *err) must_check;

struct listing_file {
	const char *path, *name; /* name: its last part; borrowed, as the others */
	uint32_t mode;           /* as in st_mode */
	int64_t mtime_ns;
	unsigned char digest[SHA256_BYTES]; /* of a regular file */
	const char *target;                 /* of a symbolic link */
};

void listing_get(const struct listing *listing, uint32_t file, struct listing_file *out);
/* The one behind a file and all that is below it. For directories, file + 1 is the first that is in it, if that is not
 * the same. */
uint32_t listing_next(const struct listing *listing, uint32_t file);
/* The file that `path` means, with links resolved as if the context were the root directory; the last part only with
 * `follow`. -ENOENT, -ENOTDIR, -ELOOP, -ENOMEM. */
int64_t listing_resolve(const struct listing *listing, const char *path, bool follow) must_check;
