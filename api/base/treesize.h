/* SPDX-License-Identifier: Apache-2.0 */
/* How much the files of a directory hold. */
#pragma once

#include <stdint.h>

#include "mem.h"

/* The sizes of all regular files below `fd`, a directory, which is consumed; a file with several names counts once,
 * directories do not. What goes away meanwhile is not counted. 0 or -errno. Blocks. */
int treesize(int fd, uint64_t *bytes) must_check;
