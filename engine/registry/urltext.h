/* SPDX-License-Identifier: Apache-2.0 */
/* URLs and headers as text. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "mem.h"

/* Appends the text with all but unreserved characters as %XX (RFC 3986, 2.3). */
void urltext_escape(struct buf *out, const char *text);
/* What `location` means where `base` answered: itself, or a path on the same host; owned. NULL when it is
 * neither, or without memory. */
char *urltext_resolve(const char *base, const char *location) must_check;
/* Whether the URL is `base` (which has no / at its end) or something of it: http://h:50001/ is nothing of
 * http://h:5000. */
bool urltext_below(const char *url, const char *base);
/* The target of the link rel="next" of a Link header (RFC 8288), owned; NULL = there is none. */
char *urltext_next(const char *link) must_check;
