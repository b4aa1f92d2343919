/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of one image, several at a time. */
#pragma once

#include <stddef.h>

#include "engine.h"
#include "err.h"
#include "layerpull.h"
#include "mem.h"
#include "registry.h"

enum { PULL_AT_ONCE = 3, PULL_TICK_MS = 100 };

/* Runs all that are waiting, the largest first. `tick` is called by the caller's thread now and then, and a last
 * time when all is done; a result other than 0 stops everything and is returned. The first failure stops the
 * others. Blocks. */
int pull_layers(struct engine *engine, struct registry *registry, struct layer_pull *layers,
		size_t n, int (*tick)(void *ctx, struct err *err), void *ctx,
		struct err *err) must_check;
