/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the store into lists. */
#pragma once

#include "manifest.h"
#include "store.h"

/* For store_query() with a struct strings: appends the first column. */
static inline int rows_take_text(const struct store_row *row, void *ctx)
{
	return strings_append(ctx, store_text(row, 0));
}
