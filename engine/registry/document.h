/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest or index with its bytes, as a registry or the store gave it. */
#pragma once

#include "buf.h"
#include "distribution.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "registry.h"

struct document {
	struct buf bytes;
	char digest[72];
	char media_type[DISTRIBUTION_TYPE_MAX]; /* its own word, or the server's */
	struct distribution parsed;
};
void document_deinit(struct document *document);

/* The store's own; -ENOENT without a sentence. */
int document_kept(struct document *out, const struct engine *engine, const char *digest,
		  struct err *err) must_check;
/* Reads what the caller has put into out->bytes. */
int document_read(struct document *out, struct err *err) must_check;
/* What the tag or digest stands for in the repository. A digest is looked for in the store first, and the bytes
 * are checked against it. ERR_NOT_FOUND when the registry has none. `name` is for sentences. */
int document_get(struct document *out, const struct engine *engine, struct registry *registry,
		 struct transfer *transfer, const char *tag_or_digest, const char *name,
		 struct err *err) must_check;
