/* SPDX-License-Identifier: Apache-2.0 */
/* A listed context: its listing, and what is in its files: of earlier contexts (contentcache.h), or asked of the client
 * when a step needs it. The contents a build uses are below its lease, by their digest. Two sides: the build, whose
 * threads may all ask at once, and one thread that takes what the client sends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "engine.h"
#include "err.h"
#include "listing.h"
#include "mem.h"

struct build;
struct contents;

int contents_new(struct contents **out, const struct engine *engine, struct err *err) must_check;
/* NULL is fine; returns NULL. */
struct contents *contents_free(struct contents *contents);
void contents_freep(struct contents **contents);

/* ---- what the client sends */

/* The next part of the listing; -EINVAL for what is wrong with it. Blocks on the file system. */
int contents_list(struct contents *contents, const Cleat__V1__BuildRequest__ContextListing *part,
		  struct err *err) must_check;
/* The next bytes of the file asked for, to its end or not. -EINVAL when none was asked for. Blocks on the file
 * system. */
int contents_take(struct contents *contents, const void *data, size_t n, bool end,
		  struct err *err) must_check;
/* Nothing will come any more: who waits fails. */
void contents_close(struct contents *contents);

/* ---- the build */

/* Waits for the listing. The build's lease outlives this. Blocks on the client. */
int contents_begin(struct build *b, struct err *err) must_check;
/* Once that is there; borrowed. */
const struct listing *contents_listing(const struct contents *contents);
/* Contents that were needed: an owned descriptor; -ENOENT when they were not. */
int contents_open(const struct contents *contents, const char hex[65]) must_check;
/* Some file was not what the listing said: what is made of it must not be found by what was said. */
bool contents_changed(const struct contents *contents);
/* Whether something came that contents_keep() would keep. */
bool contents_came(const struct contents *contents);
/* What came is on disk: it is there for other builds from now on. */
int contents_keep(struct contents *contents, struct err *err) must_check;

/* ---- for listtree.c, which knows what is needed */

enum { CONTENTS_BATCH = 512 };

struct batch {
	size_t n;
	char hex[CONTENTS_BATCH][65];
	struct buf paths; /* a NUL behind each */
};

/* 1 when it is here, or was in the cache, 0 when it must be asked for. */
int contents_have(struct contents *contents, const char hex[65]) must_check;
/* Asks for the batch and waits until all of it has come; empties it. */
int contents_fetch(struct build *b, struct batch *batch, struct err *err) must_check;
