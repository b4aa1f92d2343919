/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the journal: each is named by the sequence of its first event, 20 digits and ".ev". Private
 * to engine/event. */
#pragma once

#include <dirent.h>
#include <stdint.h>

#include "mem.h"

enum { SEGMENT_NAME_MAX = 32 };

void segment_name(uint64_t first, char out[SEGMENT_NAME_MAX]);
/* First sequences of all files, ascending, owned in *out. 0 or -errno. */
int segment_list(int dir_fd, uint64_t **out, size_t *n) must_check;
/* The same without a descriptor of its own; `dir` is read from its start. */
int segment_list_of(DIR *dir, uint64_t **out, size_t *n) must_check;
