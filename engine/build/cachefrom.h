/* SPDX-License-Identifier: Apache-2.0 */
/* --cache-from: what the steps of images that are here came to, also of images built elsewhere. An image's history names
 * with each step the digest of all that it depended on (imagedoc_add_history()). */
#pragma once

#include <stddef.h>

#include "cache.h"
#include "err.h"
#include "mem.h"

struct build;

struct cachefrom {
	struct cachefrom_step {
		char key[65];
		struct cached result;
	} * v;
	size_t n;
};

/* Reads the images that are asked for. One that is not here is told to the user and left out, as Docker does: nothing is
 * pulled. Blocks on the store. */
int cachefrom_read(struct build *b, struct err *err) must_check;
void cachefrom_deinit(struct cachefrom *from);
/* 1 with *out (as cache_find() has it), 0 when no image knows, or its layer has gone. */
int cachefrom_find(const struct build *b, const char *key, struct cached *out) must_check;
