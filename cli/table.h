/* SPDX-License-Identifier: Apache-2.0 */
/* Columns. Pure. */
#pragma once

#include "buf.h"

/* Appends `text`, lines of cells divided by tabs, with every column as wide as its widest cell and
 * three blanks. The last cell of a line is not padded. UTF-8 counts one per character. */
void table_align(struct buf *out, const char *text);
