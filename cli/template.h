/* SPDX-License-Identifier: Apache-2.0 */
/* The part of Go's text/template that people use with --format: fields (.A.B, $, $x), {{if}} {{else}}
 * {{end}}, {{range}} with or without variables, {{with}}, pipes, trim marks, comments, and the
 * functions json join index len lower upper title split truncate pad println printf print eq ne lt
 * gt and or not. Values are JSON. Pure: no clock, no files.
 *
 * Two things of Go's values that JSON has not: a field may be named in other letter case than its key (.Time
 * of {"time": ...}), unless it is strict; and an object may have a method, .Label "key", by a map under
 * TEMPLATE_LABELS, which is never printed. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "buf.h"
#include "err.h"

#define TEMPLATE_LABELS "\001labels"

enum { TEMPLATE_DEPTH = 64, TEMPLATE_OUTPUT_MAX = 16 << 20 };

/* Appends to `out` what `text` makes of `data` (borrowed). A field that is absent is "<no value>",
 * with `strict` ERR_INVALID. ERR_INVALID for a bad template; ERR_EXHAUSTED beyond the limits. */
int template_render(const char *text, json_t *data, bool strict, struct buf *out,
		    struct err *err) must_check;
