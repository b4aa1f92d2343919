/* SPDX-License-Identifier: Apache-2.0 */
/* What stands inside an {{action}}: pipelines, operands, variables, and the words they are made of.
 * Pure. Text is [p, end), borrowed. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum { TPLEXPR_NAME_MAX = 64, TPLEXPR_VARS_MAX = 16 };

struct tplexpr_variable {
	char name[TPLEXPR_NAME_MAX];
	json_t *value; /* owned */
};

/* What expressions of one rendering share: $, the variables in sight, and how deep it is nested. */
struct tplexpr {
	struct err *err;
	json_t *root; /* borrowed */
	bool strict;  /* an absent field is an error */
	int depth;    /* bounded by TEMPLATE_DEPTH */
	struct tplexpr_variable vars[TPLEXPR_VARS_MAX];
	size_t n_vars;
};

/* The value of the pipeline that is all of [p, end); *value is owned. ERR_INVALID when it is none. */
int tplexpr_eval(struct tplexpr *scope, const char *p, const char *end, json_t *dot,
		 json_t **value) must_check;
/* Brings the variable `name`, n bytes, into sight. ERR_INVALID for a bad name or too many. */
int tplexpr_set(struct tplexpr *scope, const char *name, size_t n, json_t *value) must_check;
/* Forgets all variables but the oldest `keep`. */
void tplexpr_drop(struct tplexpr *scope, size_t keep);
/* Sets scope->err to `what` near the text; returns its negative code. */
int tplexpr_bad(struct tplexpr *scope, const char *what, const char *text, const char *end);

/* Behind the blanks at p. */
const char *tplexpr_blanks(const char *p, const char *end);
/* Bytes of the word at p, 0 when there is none. */
size_t tplexpr_word(const char *p, const char *end);
bool tplexpr_is_word(const char *p, const char *end, const char *word);
