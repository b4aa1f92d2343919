/* SPDX-License-Identifier: Apache-2.0 */
/* A few bytes kept beside a file's content, in an extended attribute: it travels with the file through
 * renames. Of the user's namespace, or of the trusted one where there are no user attributes (tmpfs before
 * Linux 6.6). Never blocks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "mem.h"

enum { NOTE_NAME_MAX = 64 };

/* `name` without namespace, shorter than NOTE_NAME_MAX. 0, or -errno: the file system keeps none. */
int note_set(int fd, const char *name, const void *data, size_t n) must_check;
/* Fills data; false when there is no note of exactly n bytes. */
bool note_get(int fd, const char *name, void *data, size_t n) must_check;
