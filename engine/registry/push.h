/* SPDX-License-Identifier: Apache-2.0 */
/* Pushing images. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth.h"
#include "cleat/v1/common.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

struct pushed {
	const char *reference; /* full, with its tag */
	const char *digest;
	uint64_t size_bytes; /* of the manifest */
};

struct push_options {
	const char *reference;
	bool all_tags;
	const Cleat__V1__Platform *platform; /* the image has to be of; NULL = any */
	const struct auth_credentials *auth; /* NULL = nobody's */
	int cancel_fd;                       /* readable = give up; -1 = never */
	/* Both are called by the caller's thread; a result other than 0 ends the push and is returned. */
	int (*progress)(void *ctx, const char *id, const char *status, uint64_t now,
			uint64_t total);
	int (*pushed)(void *ctx, const struct pushed *pushed);
	void *ctx;
};

/* Sends the image to the registry its name says: the manifest and blobs it came with, as long as all of them are
 * here or there. Blocks. */
int image_push(struct engine *engine, const struct push_options *options,
	       struct err *err) must_check;
