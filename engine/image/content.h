/* SPDX-License-Identifier: Apache-2.0 */
/* The exact bytes of layers, for what sends images out again. All block on the store and the file system. */
#pragma once

#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

enum content_kind { CONTENT_PLAIN, CONTENT_GZIP, CONTENT_ZSTD };

struct content {
	char digest[72]; /* of these bytes */
	enum content_kind kind;
	uint64_t size_bytes;
	int fd; /* owned */
};
#define CONTENT_NULL ((struct content){ .fd = -1 })
void content_deinit(struct content *content);

/* A blob that unpacks to the layer (sha256:...), a compressed one if there is one. -ENOENT, PRECONDITION when the
 * layer's bytes were not kept. */
int content_layer(struct engine *engine, const char *diff_id, struct content *out,
		  struct err *err) must_check;
/* The blob of this digest; -ENOENT without a sentence. */
int content_blob(struct engine *engine, const char *digest, struct content *out) must_check;

/* How the file's bytes are packed, by their first four. -errno. */
int content_kind_of(int fd, enum content_kind *kind) must_check;
/* The media type of a layer packed so, in OCI's words or Docker's; Docker has none for zstd. */
const char *content_oci_type(enum content_kind kind);
const char *content_docker_type(enum content_kind kind);
