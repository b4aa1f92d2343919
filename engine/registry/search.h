/* SPDX-License-Identifier: Apache-2.0 */
/* Search by Docker's first protocol, which its hub still answers. */
#pragma once

#include "auth.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "regjson.h"

struct search_options {
	const char *term;                    /* "host:port/word", or a word for Docker's hub */
	uint32_t limit;                      /* as many at most */
	const struct auth_credentials *auth; /* NULL = nobody's */
	int cancel_fd;                       /* readable = give up */
};
/* Owned in *found (regjson_found_free()). Blocks. */
int registry_search(struct engine *engine, const struct search_options *options,
		    struct regjson_found **found, size_t *n, struct err *err) must_check;
