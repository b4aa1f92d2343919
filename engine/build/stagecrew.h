/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that make a build's stages. */
#pragma once

#include "err.h"
#include "mem.h"
#include "work.h"

enum { STAGECREW_THREADS_MAX = 4 };

/* Makes all that are needed, each once those it needs are there. After the first failure, whose error it is,
 * the others end too. Blocks. */
int stagecrew_make(struct build *b, struct err *err) must_check;
