/* SPDX-License-Identifier: Apache-2.0 */
/* The images of the store, and bringing them in. Layers are directories STATE/layers/HEX/fs by diff id.
 * All functions block on the store and the file system. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "engine.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"

struct image {
	char id[72]; /* sha256:... */
	char *config_json;
	size_t config_len;
	uint64_t size_bytes;
	int64_t created_ns;
	struct image_config config;
	struct strings tags; /* full names */
};
void image_deinit(struct image *image);

/* The image a user means: a name, an id or a unique prefix of one. Owned in *out.
 * -ENOENT, reason IMAGE_NOT_FOUND. */
int image_find(struct engine *engine, const char *name, struct image *out,
	       struct err *err) must_check;
/* All, newest first. Free each with image_deinit() and the array with free(). */
int image_list(struct engine *engine, struct image **out, size_t *n, struct err *err) must_check;
int image_tag(struct engine *engine, const char *id, const char *reference,
	      struct err *err) must_check;
/* Paths of the layers' directories, topmost first. Owned in *out. */
int image_layers(struct engine *engine, const struct image *image, struct strings *out,
		 struct err *err) must_check;

/* Removes the name, and with the last name the image and layers no other image has. What happened is
 * told as "untagged NAME" and "deleted ID" in *changes. -EBUSY, reason IMAGE_IN_USE. */
int image_remove(struct engine *engine, const char *name, bool force, struct strings *changes,
		 struct err *err) must_check;

/* Records an image whose layers are all published, and names it. For image_load(). */
int image_insert(struct engine *engine, const char *id, const char *config_json, size_t len,
		 const struct image_config *config, uint64_t size_bytes, const struct strings *tags,
		 struct err *err) must_check;

/* Loads an archive read from `in_fd` (borrowed) to its end. `loaded` is called for each image when all
 * are in the store. On failure nothing has changed. */
int image_load(struct engine *engine, int in_fd,
	       int (*loaded)(void *ctx, const char *id, const struct strings *tags), void *ctx,
	       struct err *err) must_check;
