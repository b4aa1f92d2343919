/* SPDX-License-Identifier: Apache-2.0 */
/* Files of variables and labels, as --env-file and --label-file take them. Pure. */
#pragma once

#include <stddef.h>

#include "err.h"

/* Calls `each` for every KEY=value or bare KEY of the text (n bytes, which need not end in a
 * newline): blank lines and lines that begin with '#' are skipped, blanks before the key and a
 * carriage return at the end dropped; nothing is unquoted. `name` is for messages. ERR_INVALID for an
 * empty key, a key with blanks, or a NUL; what `each` returns below 0 ends it. */
int envfile_parse(const char *name, const char *text, size_t n,
		  int (*each)(void *arg, const char *line, struct err *err), void *arg,
		  struct err *err) must_check;
