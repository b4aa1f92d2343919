/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a member of a JSON document without parsing it. Pure, never fails loudly: the real parser
 * judges the text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Where the value of doc[outer][inner] is in the text; false when it is not found. */
bool jspan_find(const char *text, size_t n, const char *outer, const char *inner, size_t *start,
		size_t *len);
