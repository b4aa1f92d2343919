/* SPDX-License-Identifier: Apache-2.0 */
/* Images as an archive that is what `docker save` writes and an OCI layout too: blobs/sha256/HEX of configs, layers
 * and manifests, index.json, oci-layout, and manifest.json. Every byte is what the image came with, where the engine
 * has that; a manifest that it has not is made anew. */
#pragma once

#include <stddef.h>

#include "cleat/v1/common.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

struct image;
struct image_save_options {
	char *const *
		names; /* as image_find() takes them; a repository without a tag is all of its tags */
	size_t n_names;
	const Cleat__V1__Platform *platform; /* the images have to be of; NULL = any */
};
/* Who takes the archive; -errno ends it. Once all of it is taken, each image is told. */
struct image_save_sink {
	int (*data)(void *ctx, const void *data, size_t n, struct err *err);
	void (*saved)(void *ctx, const struct image *image);
	void *ctx;
};
/* Everything is looked for before the first byte: -ENOENT (IMAGE_NOT_FOUND), -EBUSY when the bytes of a layer were
 * not kept. Blocks. */
int image_save(struct engine *engine, const struct image_save_options *options,
	       const struct image_save_sink *sink, struct err *err) must_check;
