/* SPDX-License-Identifier: Apache-2.0 */
/* $variables, quotes and escapes in a Dockerfile's words, as BuildKit's lexer takes them:
 * $X ${X} ${X:-w} ${X-w} ${X:+w} ${X+w} ${X:?w} ${X?w} ${X#p} ${X##p} ${X%p} ${X%%p} ${X/p/w} ${X//p/w}.
 * Pure. */
#pragma once

#include <stdbool.h>

#include "err.h"
#include "manifest.h"
#include "mem.h"

enum { DOCKERVAR_DEPTH_MAX = 32, DOCKERVAR_BYTES_MAX = 1 << 20, DOCKERVAR_MATCH_MAX = 4096 };

struct dockervar {
	char escape;
	/* A variable's value, borrowed; NULL = it is not set. */
	const char *(*get)(void *ctx, const char *name);
	void *ctx;
	bool keep_quotes; /* of a here-document: quotes are text */
};

/* One word: *out is owned. -EINVAL with a sentence, -ENOMEM. */
int dockervar_word(const struct dockervar *vars, const char *text, char **out,
		   struct err *err) must_check;
/* What unquoted blanks, also those out of variables, make several words; appended to *out. */
int dockervar_words(const struct dockervar *vars, const char *text, struct strings *out,
		    struct err *err) must_check;
