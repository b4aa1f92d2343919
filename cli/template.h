/* SPDX-License-Identifier: Apache-2.0 */
/* The part of Go's text/template that people use with --format: fields (.A.B, $, $x), {{if}} {{else}}
 * {{end}}, {{range}} with or without variables, {{with}}, pipes, trim marks, comments, and the
 * functions json join index len lower upper title split truncate pad println printf print eq ne lt
 * gt and or not. Values are JSON. Pure: no clock, no files. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "buf.h"
#include "err.h"

enum { TEMPLATE_DEPTH = 64, TEMPLATE_OUTPUT_MAX = 16 << 20 };

/* Appends to `out` what `text` makes of `data` (borrowed). A field that is absent is "<no value>",
 * with `strict` ERR_INVALID. ERR_INVALID for a bad template; ERR_EXHAUSTED beyond the limits. */
int template_render(const char *text, json_t *data, bool strict, struct buf *out,
		    struct err *err) must_check;
