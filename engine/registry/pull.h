/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling images. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth.h"
#include "distribution.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

struct pulled {
	const char *image_id, *digest;
	const char *reference; /* as users see it */
	bool was_current;
};

struct pull_options {
	const char *reference;
	bool all_tags;
	const struct platform *platform; /* fields that are "" are the host's; NULL = all of them */
	const struct auth_credentials *auth; /* NULL = nobody's */
	int cancel_fd;                       /* readable = give up; -1 = never */
	/* Both are called by the caller's thread; a result other than 0 ends the pull and is returned. */
	int (*progress)(void *ctx, const char *id, const char *status, uint64_t now,
			uint64_t total);
	int (*pulled)(void *ctx, const struct pulled *pulled);
	void *ctx;
};

/* Pulls what the reference names: an image is visible once all of it is here and verified. Blocks. */
int image_pull(struct engine *engine, const struct pull_options *options,
	       struct err *err) must_check;
