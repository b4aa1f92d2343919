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
/* The same in two steps, of which the first can go on while what will be packed is still made: it costs the start
 * of a worker. Close with image_pack_drop() in any case. */
struct image_packing {
	struct worker unpacker;
	int tar_fd;
};
#define IMAGE_PACKING_NULL ((struct image_packing){ WORKER_NULL, -1 })
int image_pack_begin(struct engine *engine, const struct lease *lease,
		     struct image_packing *packing, struct err *err) must_check;
int image_pack_end(struct engine *engine, const struct lease *lease, struct image_packing *packing,
		   int upper_fd, struct image_layer *out, struct err *err) must_check;
void image_pack_drop(struct image_packing *packing);
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
	char *const *changes; /* as changes_apply() takes them */
	size_t n_changes;
	const char *os, *architecture, *variant; /* NULL = the host's */
};
/* An image of one layer, the tar of a root file system that `source` gives. Blocks. */
int image_import(struct engine *engine, const struct image_import_options *options,
		 const struct feed_source *source, char id[72], struct err *err) must_check;
