/* SPDX-License-Identifier: Apache-2.0 */
/* The images of the store, and bringing them in. Their layers are engine/layer's.
 * All functions block on the store and the file system. Layers are published and removed under
 * image_lock(), which is shared with other engines on the same state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleat/v1/common.pb-c.h"
#include "engine.h"
#include "err.h"
#include "layer.h"
#include "manifest.h"
#include "mem.h"

struct image {
	char id[72]; /* sha256:... */
	char *config_json;
	size_t config_len;
	uint64_t size_bytes;
	int64_t created_ns;
	struct image_config config;
	struct strings tags;    /* full names */
	struct strings digests; /* docker.io/library/busybox@sha256:... */
	uint32_t containers;    /* made from it, or that have it mounted; of image_list() alone */
};
void image_deinit(struct image *image);

/* The image a user means: a name, an id or a unique prefix of one. Owned in *out.
 * -ENOENT, reason IMAGE_NOT_FOUND. */
int image_find(struct engine *engine, const char *name, struct image *out,
	       struct err *err) must_check;
/* 0 while the image `id` is there, else as image_find(). */
int image_exists(struct engine *engine, const char *id, struct err *err) must_check;
/* 0 when the image is for the platform, of which empty fields (and NULL) are any. -ENOENT, reason IMAGE_NOT_FOUND. */
int image_check_platform(const struct image *image, const Cleat__V1__Platform *wanted,
			 struct err *err) must_check;
/* All, newest first. Free each with image_deinit() and the array with free(). */
int image_list(struct engine *engine, struct image **out, size_t *n, struct err *err) must_check;
int image_tag(struct engine *engine, const char *id, const char *reference,
	      struct err *err) must_check;
struct image_remove_options {
	bool force;
	/* Whether a container runs; for the sentence, and as nothing can force its image away. */
	bool (*running)(void *ctx, const char *container_id);
	void *ctx;
};
/* Removes a name or, when it was the last one or an id was given, the image and the layers no other
 * image has, as Docker does. What happened is told as "untagged NAME" and "deleted ID" in *changes.
 * An image that a stopped container uses can lose its names by force, and stays without.
 * -EBUSY, reason IMAGE_IN_USE. */
int image_remove(struct engine *engine, const char *name,
		 const struct image_remove_options *options, struct strings *changes,
		 struct err *err) must_check;
struct image_filter;
struct image_pruned {
	struct strings changes; /* as of image_remove(); the caller's */
	uint64_t bytes;         /* of the layers that went */
	/* Called for each image that lost a name or went, with the first of its changes. */
	void (*told)(void *ctx, const struct image *image, const struct strings *changes,
		     size_t from);
	void *ctx;
};
/* Removes what no container was made from: unnamed images or, when the filter says dangling=false, all. */
int image_prune(struct engine *engine, const struct image_filter *filter, struct image_pruned *out,
		struct err *err) must_check;

/* Records an image whose layers are all published, and names it, within the caller's transaction. */
int image_insert(struct engine *engine, const char *id, const char *config_json, size_t len,
		 const struct image_config *config, uint64_t size_bytes, const struct strings *tags,
		 struct err *err) must_check;
/* Records what a registry knows the image by. */
int image_add_digest(struct engine *engine, const char *id, const char *repository,
		     const char *digest, struct err *err) must_check;
/* 0 when `reference` can name an image. */
int image_check_tag(const char *reference, struct err *err) must_check;

struct image_load_options {
	const char *os, *architecture; /* only images of these; NULL = all */
	/* Called for each image when all are in the store; names as the archive has them. */
	int (*loaded)(void *ctx, const char *id, const struct strings *tags);
	void *ctx;
};
/* Loads an archive read from `in_fd` (borrowed) to its end. On failure nothing has changed. */
int image_load(struct engine *engine, int in_fd, const struct image_load_options *options,
	       struct err *err) must_check;

/* The lock for what changes layers: a descriptor to be closed, or -errno. */
int image_lock(struct engine *engine, struct err *err) must_check;
/* Moves layers no image has into the lease. To be called under the lock. */
int image_sweep_layers(struct engine *engine, const struct lease *lease,
		       struct err *err) must_check;
/* Removes what engines that died left behind. Called once at start, beside serving. */
void image_sweep(struct engine *engine);
