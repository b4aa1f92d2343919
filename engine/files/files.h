/* SPDX-License-Identifier: Apache-2.0 */
/* Files of containers, and images made of them. `reference` is an id, a prefix or a name; errors are those of
 * record_find() and of each function. All block on the file system and on workers, which do what touches
 * anything a container could have written. */
#pragma once

#include <stdint.h>

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "err.h"
#include "feed.h"
#include "mem.h"

/* What the container's files differ in from its image's. */
int files_diff(struct engine *engine, const char *reference, Cleat__V1__DiffReply *reply,
	       struct err *err) must_check;

/* What `path` is, a link at its end not followed. -ENOENT, reason PATH_NOT_FOUND. */
int files_stat(struct engine *engine, const char *container, const char *path,
	       Cleat__V1__PathStat *reply, struct err *err) must_check;

/* Who takes an archive. A result other than 0 ends it and is returned. */
struct files_sink {
	int (*stat)(void *ctx, const Cleat__V1__PathStat *stat,
		    struct err *err); /* first, of files_get() */
	int (*data)(void *ctx, const void *data, size_t n, struct err *err);
	void *ctx;
	int cancel_fd; /* readable once nobody wants it any more: -ECANCELED */
};
/* `path` and all below it as a tar. Errors as files_stat(); later ones come after some of it was sent. */
int files_get(struct engine *engine, const char *container, const char *path,
	      const struct files_sink *sink, struct err *err) must_check;
/* The root as a tar, without what is mounted inside. */
int files_export(struct engine *engine, const char *container, const struct files_sink *sink,
		 struct err *err) must_check;

/* Unpacks an archive into the target's directory. What was unpacked before an error stays. -ENOENT, reason PATH_NOT_FOUND;
 * -EINVAL when the target is no directory or the archive is none. */
int files_put(struct engine *engine, const Cleat__V1__PutArchiveRequest__Target *target,
	      const struct feed_source *source, struct err *err) must_check;

/* Makes an image of the container's changes; its id is in `id`. A container that runs is paused meanwhile
 * unless the request says no. -EINVAL for a bad name or change. */
int files_commit(struct engine *engine, const Cleat__V1__CommitRequest *request, char id[72],
		 struct err *err) must_check;
