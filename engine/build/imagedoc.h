/* SPDX-License-Identifier: Apache-2.0 */
/* An image's config in the making: Docker's image spec 1.3 and OCI's, as one JSON document. What a base
 * says and nobody changes is kept. Pure. Functions return 0 or -ENOMEM (also for text that is no UTF-8)
 * unless said otherwise. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "manifest.h"
#include "mem.h"

struct imagedoc {
	json_t *root;
	json_t *config; /* borrowed from root */
};
#define IMAGEDOC_NULL ((struct imagedoc){ NULL, NULL })

/* Without layers and settings, but for PATH. */
int imagedoc_scratch(struct imagedoc *doc, const char *os, const char *architecture) must_check;
/* From a base's config. -EINVAL when it is no object. */
int imagedoc_base(struct imagedoc *doc, const char *text, size_t len) must_check;
/* A copy that may change without the other. */
int imagedoc_copy(struct imagedoc *doc, const struct imagedoc *from) must_check;
void imagedoc_deinit(struct imagedoc *doc);

/* Value of a variable of the image's environment, borrowed until it changes; NULL = not set. */
const char *imagedoc_env(const struct imagedoc *doc, const char *name);
int imagedoc_set_env(struct imagedoc *doc, const char *name, const char *value) must_check;
/* User, WorkingDir, StopSignal. Borrowed; "" = not set. */
const char *imagedoc_text(const struct imagedoc *doc, const char *key);
int imagedoc_set_text(struct imagedoc *doc, const char *key, const char *value) must_check;
/* Cmd, Entrypoint, Shell, OnBuild. n = 0 gives an empty list; imagedoc_drop() takes it away. */
int imagedoc_set_list(struct imagedoc *doc, const char *key, char *const *words,
		      size_t n) must_check;
int imagedoc_add_word(struct imagedoc *doc, const char *key, const char *word) must_check;
/* Appends its words to *out. */
int imagedoc_list(const struct imagedoc *doc, const char *key, struct strings *out) must_check;
void imagedoc_drop(struct imagedoc *doc, const char *key);
/* Labels: name and value. ExposedPorts, Volumes: a name alone (value NULL). */
int imagedoc_set_entry(struct imagedoc *doc, const char *key, const char *name,
		       const char *value) must_check;
/* Consumes the value. */
int imagedoc_set_json(struct imagedoc *doc, const char *key, json_t *value) must_check;

int imagedoc_set_author(struct imagedoc *doc, const char *author) must_check;
/* What was done, when (0 = as imagedoc_write() says), and the layer that came of it (its digest with sha256:;
 * NULL = none). `key` (64 digits, NULL = none) is the digest of what it depended on: the comment of its
 * entry. */
int imagedoc_add_history(struct imagedoc *doc, const char *created_by, int64_t created_ns,
			 const char *diff_id, const char *key) must_check;
/* Diff ids (sha256:...), lowest first, appended to *out. */
int imagedoc_layers(const struct imagedoc *doc, struct strings *out) must_check;
/* The document's text without a time of its own and of steps that have none yet. */
int imagedoc_write_undated(struct imagedoc *doc, struct buf *out) must_check;
/* The document's text, which is the same for the same contents. With `everywhere` the time stands in all of
 * the history, else where none is. */
int imagedoc_write(struct imagedoc *doc, int64_t created_ns, bool everywhere,
		   struct buf *out) must_check;
