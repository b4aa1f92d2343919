/* SPDX-License-Identifier: Apache-2.0 */
/* .dockerignore: which files of a directory are no part of a build's context. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"

enum { IGNORE_PATTERNS_MAX = 10000 };

struct ignore {
	struct ignore_pattern {
		char *glob; /* relative to the context, cleaned */
		bool exception;
	} * v;
	size_t n;
	bool exceptions; /* there is one: what is below an ignored directory may be wanted */
};
#define IGNORE_NULL ((struct ignore){ 0 })

/* Reads the file's text. -EINVAL with Docker's sentence, -ENOMEM. Owned in *out: ignore_deinit(). */
int ignore_parse(const char *text, size_t len, struct ignore *out, struct err *err) must_check;
void ignore_deinit(struct ignore *ignore);
/* Whether the last pattern that speaks of `path` (relative, without "./") or of a directory above it
 * leaves it out. */
bool ignore_match(const struct ignore *ignore, const char *path);
