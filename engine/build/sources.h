/* SPDX-License-Identifier: Apache-2.0 */
/* Which files COPY and ADD mean. Links are resolved as if the source were the root directory, so nothing
 * leads out of it. Blocks on the file system. */
#pragma once

#include "err.h"
#include "manifest.h"
#include "mem.h"

/* Paths below root_fd that `pattern` (Go's filepath.Match) means, clean and without a leading '/', sorted;
 * "" is the root itself. Appended to *out. A pattern without wildcards must exist: -ENOENT; one with them
 * may match nothing. */
int sources_find(int root_fd, const char *pattern, struct strings *out, struct err *err) must_check;
/* Opens the directory that holds the file `path` means, links at its end followed too; *name (owned) is the
 * file's name in it, "." for the root. Returns an owned descriptor. */
int sources_open(int root_fd, const char *path, char **name, struct err *err) must_check;
