/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a listed context with their contents in them, for steps that mount the context. Blocks on the client and
 * the file system. Thread-safe. */
#pragma once

#include <pthread.h>

#include "err.h"
#include "manifest.h"
#include "mem.h"

struct build;

/* Those of one build, below its lease. */
struct contexttree {
	pthread_mutex_t mutex;
	struct strings files; /* "17" when tree-17 is there */
};
#define CONTEXTTREE_NULL ((struct contexttree){ .mutex = PTHREAD_MUTEX_INITIALIZER })
void contexttree_deinit(struct contexttree *trees);

/* The path (owned) of a copy of a file of the listing. It is made once and not to be written to. */
int contexttree_path(struct build *b, uint32_t file, char **path, struct err *err) must_check;
