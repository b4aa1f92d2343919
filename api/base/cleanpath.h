/* SPDX-License-Identifier: Apache-2.0 */
/* Paths made absolute and clean by their text alone: "." and "..", doubled and trailing slashes go. Pure. */
#pragma once

#include <stddef.h>

#include "mem.h"

/* Appends the parts of `raw` to the clean path `text` of `len` bytes, which has room for strlen(raw) + 2 more, and
 * ends it. The root is "" here. Its new length. */
size_t cleanpath_append(char *text, size_t len, const char *raw);
/* "/" or "/a/b", owned; NULL without memory. */
char *cleanpath(const char *raw) must_check;
