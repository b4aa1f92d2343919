/* SPDX-License-Identifier: Apache-2.0 */
/* The files that COPY and ADD take: of the context, of a stage or an image, of here-documents, of a URL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dockerfile.h"
#include "err.h"
#include "lease.h"
#include "mem.h"
#include "work.h"

struct copy_source {
	int dir_fd;   /* owned; the directory that holds it ... */
	char *name;   /* ... under this name */
	char *base;   /* the name it has in the destination, if that is a directory */
	char *target; /* its whole path below the destination (--parents), "" = by `base` */
	bool directory, archive; /* archive: ADD takes it apart */
	bool listed;             /* it is of a listed context: neither dir_fd nor name, but ... */
	uint32_t file;           /* ... this one */
};

struct copy_sources {
	struct copy_source *v;
	size_t n;
	struct lease lease; /* of files that were made for it */
	bool leased;
};

/* `words` are the expanded arguments, destination last. What a stage or image holds goes into `key`. -ENOENT
 * with Docker's sentence. */
int copysource_find(struct copy_sources *out, struct work *w, const struct instruction *in,
		    const struct strings *words, struct key *key, struct err *err) must_check;
void copysource_deinit(struct copy_sources *sources);
/* 1 when ADD takes the file, which is open, for a tar, plain or compressed, otherwise 0. dir_fd is any directory, to
 * confine a worker to. Blocks. */
int copysource_is_archive(const struct engine *engine, int fd, int dir_fd,
			  struct err *err) must_check;
/* Unpacks an archive into the directory `to` below root_fd. */
int copysource_unpack(const struct build *b, const struct copy_source *source, int root_fd,
		      const char *to, struct err *err) must_check;
