/* SPDX-License-Identifier: Apache-2.0 */
/* The config of an image made from another one, or from nothing. Pure. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "mem.h"

struct child {
	const char *parent; /* the parent's config as it came; NULL = none */
	size_t parent_len;
	const char *diff_id;  /* sha256:... of the one layer added; NULL = none is */
	const json_t *config; /* Docker's Config for its containers; NULL = the parent's */
	const char *author;   /* "" = the parent's */
	const char *comment, *created_by; /* of its history; "" = none */
	int64_t created_ns;
	const char *os, *architecture, *variant; /* NULL = the parent's, of none the host's */
};

/* Appends the JSON. What the parent has and child does not replace is kept as it is. -EINVAL when a text is
 * not UTF-8 or the parent's is no config, -ENOMEM. */
int child_config(const struct child *child, struct buf *out, struct err *err) must_check;
/* The parent's Config object, a new reference; {} when it has none. NULL = no memory. */
json_t *child_inherited(const char *parent, size_t len) must_check;
/* What Docker calls the architecture of this host: amd64, arm64, ... */
const char *child_architecture(void);
