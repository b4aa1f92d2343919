/* SPDX-License-Identifier: Apache-2.0 */
/* The table of `top`: ps-like columns over the processes of one container. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "err.h"
#include "mem.h"

enum { TOP_COLUMNS_MAX = 24 };

struct top_columns {
	int n;
	int index[TOP_COLUMNS_MAX];
};

/* Columns for ps arguments: none or "-ef", "aux", "-o a,b" and "-eo a,b". -EINVAL with a sentence
 * for what is not known. Pure. */
int top_parse(const char *const *args, size_t n_args, struct top_columns *columns,
	      struct err *err) must_check;
/* Title of column i. */
const char *top_title(const struct top_columns *columns, int i);

/* One process's cells: owned strings, columns->n of them, in an owned array. -ESRCH when the process
 * is gone. Blocks on procfs. */
int top_row(const struct top_columns *columns, pid_t pid, char ***cells) must_check;
void top_row_free(const struct top_columns *columns, char **cells);
