/* SPDX-License-Identifier: Apache-2.0 */
/* The forms in which an instruction's arguments are written. Quotes and $ stay as they are: that is
 * dockervar's. Pure. All append to *out, which is the caller's to free also after a failure. */
#pragma once

#include "err.h"
#include "manifest.h"
#include "mem.h"

/* A JSON array of strings: 1. Anything else: 0, and nothing was appended. -ENOMEM. */
int dockerword_json(const char *text, struct strings *out) must_check;
/* Words between blanks. 0 or -ENOMEM. */
int dockerword_blanks(const char *text, struct strings *out) must_check;
/* Words between blanks that are neither quoted nor escaped. 0 or -ENOMEM. */
int dockerword_quoted(const char *text, char escape, struct strings *out) must_check;
/* "a=b c=d", or the old "a b": a, b, c, d. `name` is the instruction's, for the sentence. */
int dockerword_pairs(const char *text, char escape, const char *name, struct strings *out,
		     struct err *err) must_check;
