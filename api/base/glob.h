/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards in names, without locale or allocation. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

enum glob_flags {
	GLOB_TEXT = 0, /* '*' is any bytes, '?' one; no classes: a shell's ${x#PATTERN} */
	GLOB_PATH = 1, /* '*', '?' and classes [a-z] [^a-z] never match '/': Go's filepath.Match */
	GLOB_DEEP = 3, /* the same, and "**" is any number of directories: .dockerignore */
};

/* Whether `pattern` matches all of text[0..len). A backslash takes the meaning from what follows it. */
bool glob_match(const char *pattern, const char *text, size_t len, enum glob_flags flags);
/* Whether a GLOB_PATH pattern is well formed: no open class, nothing behind a last backslash missing. */
bool glob_valid(const char *pattern);
/* Whether it has a wildcard at all. */
bool glob_has_wildcard(const char *pattern);
