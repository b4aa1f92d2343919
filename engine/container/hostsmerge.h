/* SPDX-License-Identifier: Apache-2.0 */
/* A hosts(5) file that is written anew though somebody has changed it meanwhile. Pure. */
#pragma once

#include "buf.h"
#include "mem.h"

/* Appends to *out: the lines of `old` but for those whose names have another address in `fresh`, then the lines of
 * `fresh` that are not among them. Both are NUL-terminated text. */
void hostsmerge(const char *old, const char *fresh, struct buf *out);
