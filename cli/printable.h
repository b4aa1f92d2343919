/* SPDX-License-Identifier: Apache-2.0 */
/* Text of images, containers and files that a terminal must not take for commands. Pure. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "buf.h"

/* Appends n bytes of text with each control character as JSON writes it (\\u001b), so that JSON stays what it is: all of
 * them, C1's too, but those in `keep`. */
void printable_text(struct buf *out, const char *text, size_t n, const char *keep);
/* The same of all strings in a value, which is changed. */
void printable_json(json_t *value);
