/* SPDX-License-Identifier: Apache-2.0 */
/* Which files COPY and ADD mean. Links are resolved as if the source were the root directory, so nothing
 * leads out of it. Blocks on the file system. */
#pragma once

#include <stdint.h>

#include "err.h"
#include "listing.h"
#include "manifest.h"
#include "mem.h"

/* What patterns are of. */
struct sources_root {
	int fd;                        /* a directory, if there is no listing */
	const struct listing *listing; /* borrowed; NULL = none */
};

/* Paths below the root that `pattern` (Go's filepath.Match) means, clean and without a leading '/', sorted;
 * "" is the root itself. Appended to *out. A pattern without wildcards must exist: -ENOENT; one with them
 * may match nothing. */
int sources_find(const struct sources_root *root, const char *pattern, struct strings *out,
		 struct err *err) must_check;
/* Opens the directory that holds the file `path` means, links at its end followed too; *name (owned) is the
 * file's name in it, "." for the root. Returns an owned descriptor. */
int sources_open(int root_fd, const char *path, char **name, struct err *err) must_check;
/* The file of a listing that `path` means, links followed. */
int64_t sources_listed(const struct listing *listing, const char *path, struct err *err) must_check;
