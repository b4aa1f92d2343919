/* SPDX-License-Identifier: Apache-2.0 */
/* What an archive of images holds, found out before it is written. Private to save.c. Blocks on the store. */
#pragma once

#include <stdint.h>

#include "buf.h"
#include "engine.h"
#include "err.h"
#include "image.h"
#include "mem.h"
#include "save.h"

/* A file blobs/sha256/HEX: bytes here, or those of a blob or a layer of the engine. */
struct save_blob {
	char digest[72];
	char diff_id[72]; /* of a layer, "" = none */
	uint64_t size_bytes;
	struct buf bytes; /* of a document */
};

struct save_image {
	struct image image;
	struct strings tags;   /* full names to write */
	struct strings layers; /* digests, lowest first */
	char manifest[72], media_type[128];
	uint64_t manifest_bytes;
};

struct save_plan {
	struct engine *engine;
	struct save_image *images;
	size_t n_images;
	struct save_blob *blobs; /* each once */
	size_t n_blobs;
};

int saveplan_fill(struct save_plan *plan, const struct image_save_options *options,
		  struct err *err) must_check;
void saveplan_deinit(struct save_plan *plan);
/* Open bytes of a blob of the plan that has none itself; a descriptor. */
int saveplan_open(const struct save_plan *plan, const struct save_blob *blob,
		  struct err *err) must_check;
