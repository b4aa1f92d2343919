/* SPDX-License-Identifier: Apache-2.0 */
/* New images: a layer out of an overlay's upper directory or a tar, and the image that has it on top of its
 * parent's. What is under way is in a lease of the caller; nothing is visible before image_make() is done. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "feed.h"
#include "image.h"
#include "lease.h"
#include "mem.h"
#include "standing.h"
#include "workerjob.h"

/* A layer unpacked in a lease, which it is alone in. */
struct image_layer {
	char diff_id[72];    /* sha256:... */
	uint64_t size_bytes; /* of its files */
	bool empty;          /* it changes nothing */
	uint64_t blob_bytes; /* its tar lies in the lease as IMAGE_LAYER_BLOB; 0 = it does not */
};
#define IMAGE_LAYER_BLOB "1.blob"
enum { IMAGE_LAYER_NUMBER = 1 }; /* in the lease */

/* What an upper directory (borrowed) holds, as the layer of the lease. It should not change meanwhile; when
 * it does, every file is as it was at some moment. Blocks. */
int image_pack_layer(struct engine *engine, const struct lease *lease, int upper_fd,
		     struct image_layer *out, struct err *err) must_check;
/* The same for who makes several, one after the other. What does it is started at the first layer, or before by who
 * has something else to do meanwhile; it ends with the thread that started it at the latest. */
struct image_packer {
	struct standing pack, layer;
	struct lease nothing;  /* an empty directory, which is all they see but for their jobs */
	const int *cancel_fds; /* the two of cancel.h, which end it within a layer; NULL = none */
};
#define IMAGE_PACKER_NULL ((struct image_packer){ STANDING_NULL, STANDING_NULL, LEASE_NULL, NULL })
/* Does not wait. Nothing is done when it is started. */
int image_packer_start(struct image_packer *packer, struct engine *engine,
		       struct err *err) must_check;
int image_packer_layer(struct image_packer *packer, struct engine *engine,
		       const struct lease *lease, int upper_fd, struct image_layer *out,
		       struct err *err) must_check;
void image_packer_deinit(struct image_packer *packer);
/* The tar that comes from `in_fd` (borrowed; plain, gzip or zstd): a worker that reads it to its end, and what it
 * made. -EINVAL for one that is none, or no layer. The second blocks. */
int image_layer_start(struct engine *engine, const struct lease *lease, int in_fd,
		      struct worker *worker, struct err *err) must_check;
int image_layer_finish(const struct lease *lease, struct worker *worker, struct image_layer *out,
		       struct err *err) must_check;

struct image_new {
	const struct image *parent;      /* NULL = none */
	const struct image_layer *layer; /* NULL = its parent's alone; an empty one adds none */
	const json_t *config;            /* Docker's Config; NULL = the parent's */
	const char *author, *comment, *created_by; /* "" = none */
	int64_t created_ns;
	const char *os, *architecture, *variant; /* NULL = the parent's, of none the host's */
	const char *reference;                   /* its name; "" = none */
};
/* Publishes the layer and records the image; its id is in `id`. -ENOENT when the parent has gone. Blocks. */
int image_make(struct engine *engine, const struct lease *lease, const struct image_new *new_image,
	       char id[72], struct err *err) must_check;

/* image_pack_layer() and image_make() with a lease of their own; new_image->layer is not looked at. */
int image_commit(struct engine *engine, int upper_fd, const struct image_new *new_image,
		 char id[72], struct err *err) must_check;

struct image_import_options {
	const char *reference; /* "" = none */
	const char *message;
	const json_t *config;                    /* Docker's Config; borrowed */
	const char *os, *architecture, *variant; /* NULL = the host's */
};
/* An image of one layer, the tar of a root file system that `source` gives. Blocks. */
int image_import(struct engine *engine, const struct image_import_options *options,
		 const struct feed_source *source, char id[72], struct err *err) must_check;
