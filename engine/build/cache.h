/* SPDX-License-Identifier: Apache-2.0 */
/* What steps of earlier builds came to, by all that they depended on. What a build under way adds is its own
 * until cache_settle(): its layers are not on disk for sure before. Blocks on the store. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"

struct cached {
	char diff_id[72]; /* sha256:..., "" = the step changed no file */
	uint64_t size_bytes;
	int64_t created_ns;
};

/* 1 with *out, 0 when it is not known. */
int cache_find(struct engine *engine, const char *key, const char *lease, struct cached *out,
	       struct err *err) must_check;
int cache_add(struct engine *engine, const char *key, const char *lease,
	      const struct cached *result, const char *what, struct err *err) must_check;
/* What keys begin with that are of whole images and say when one was made: no layer and no step, and so in no usage. */
#define CACHE_DATE "date-"
/* Whatever the step came to is forgotten. */
int cache_forget(struct engine *engine, const char *key, struct err *err) must_check;
/* The build's layers are on disk. */
int cache_settle(struct engine *engine, const char *lease, struct err *err) must_check;
int cache_drop(struct engine *engine, const char *lease, struct err *err) must_check;

struct cache_usage {
	uint32_t total, active; /* steps; those whose layers an image has */
	uint64_t size_bytes, reclaimable_bytes;
};
int cache_usage(struct engine *engine, struct cache_usage *out, struct err *err) must_check;

struct cache_entry {
	const char *key, *what; /* borrowed for the call */
	bool active;
	uint64_t size_bytes;
	int64_t created_ns, used_ns;
};
/* Calls `each` for every result, what was used last first, until it returns other than 0, and returns that. */
int cache_list(struct engine *engine, int (*each)(void *ctx, const struct cache_entry *entry),
	       void *ctx, struct err *err) must_check;

struct cache_prune {
	bool all;         /* also what is in use by images */
	int64_t until_ns; /* only what was used last before; 0 = whenever */
};
/* Forgets what no image needs (or all); keys of what went are appended to *keys, and the bytes of the layers that went are in
 * *bytes. */
int cache_prune(struct engine *engine, const struct cache_prune *options, struct strings *keys,
		uint64_t *bytes, struct err *err) must_check;
