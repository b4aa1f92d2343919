/* SPDX-License-Identifier: Apache-2.0 */
/* The moment an image that was loaded, pulled or made becomes visible: what lies in leases moves to its place,
 * and the store learns of all of it in one transaction. Before, everything is to be on disk and verified. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "lease.h"
#include "manifest.h"
#include "mem.h"

struct publish_layer {
	const char *diff;          /* 64 digits */
	const struct lease *lease; /* it lies there as `number`; NULL = it should be here already */
	unsigned int number;
	uint64_t size_bytes; /* of its files */
};

struct publish_blob {
	char digest[72];
	const char *media_type;
	const char *diff_id; /* of a layer: sha256:..., else "" */
	uint64_t size_bytes;
	int dir_fd; /* it lies there as `name` */
	char name[96];
	bool part; /* or it is a part open as `fd`, or, with -1, in its place already */
	int fd;
};

struct publish_image {
	const char *id;
	const char *json; /* the config */
	size_t len;
	const struct image_config *config;
	uint64_t size_bytes;
	const struct strings *tags;
	const char *manifest;            /* its digest, "" = none */
	const char *repository, *digest; /* what a registry knows it by; NULL = none does */
	const struct publish_layer *layers;
	size_t n_layers;
	const struct publish_blob *blobs;
	size_t n_blobs;
};

/* All of them or, on failure, none. A layer that was to be here and is not: -EAGAIN, ABORTED. Blocks. */
int publish_images(struct engine *engine, const struct publish_image *images, size_t n,
		   struct err *err) must_check;
