/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of files as a tar. It may change meanwhile, by somebody who means harm: nothing is opened through a link,
 * and what goes away is left out. Everything blocks on the file system and on who takes the bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "attributes.h"
#include "buf.h"
#include "err.h"
#include "mem.h"
#include "tar.h"

enum { PACK_DEPTH_MAX = 255 };

/* ---- links.c: names of files that have several */

struct links {
	struct link {
		dev_t dev;
		ino_t ino;
		char *path; /* NULL = a free place */
	} * v;
	size_t n, cap;
};
/* The first path given for the file, borrowed; `path` itself when it is new (then copied). NULL = no memory. */
const char *links_first(struct links *links, const struct stat *st, const char *path) must_check;
void links_deinit(struct links *links);

/* ---- names.c: what is in a directory, sorted */

struct names {
	char **v;
	size_t n;
};
/* 0 or -errno; the descriptor's own position stays. */
int names_read(int dir_fd, struct names *out) must_check;
void names_deinit(struct names *names);

/* ---- kernelfs.c: files that are no files */

/* Whether the descriptor is of a file system in which the kernel shows its own state: sizes there are not those of
 * the contents, reading may fail or do something, and what is there comes and goes. */
bool kernelfs_at(int fd);

/* ---- pack.c */

/* Takes bytes of the archive; -errno with *err set ends it. */
typedef int pack_write_fn(void *ctx, const void *data, size_t n, struct err *err);

struct pack {
	pack_write_fn *write;
	void *ctx;
	bool layer;      /* an overlay's upper directory: its marks become those of a layer */
	bool as_root;    /* everything belongs to root in the archive */
	bool no_kernel;  /* directories of the kernel's own file systems are empty in the archive */
	struct buf out;  /* not written yet */
	struct buf path; /* of the entry at hand, as the archive has it */
	struct links links;
	char *block;
};
/* With the fields above `out` set. Close with pack_deinit(), also after a failure. */
int pack_open(struct pack *p, struct err *err) must_check;
void pack_deinit(struct pack *p);

/* Everything below the directory, by name; `prefix` stands before the names ("" or "dir/"). */
int pack_below(struct pack *p, int dir_fd, const char *prefix, struct err *err) must_check;
/* The entry `name` of the directory as `path`, with all that is below it. */
int pack_one(struct pack *p, int dir_fd, const char *name, const char *path,
	     struct err *err) must_check;
/* The directory itself as `path`, which ends in '/', without what is below. */
int pack_dir(struct pack *p, int dir_fd, const char *path, struct err *err) must_check;
/* The archive's end, and all of it written. */
int pack_finish(struct pack *p, struct err *err) must_check;
