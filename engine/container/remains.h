/* SPDX-License-Identifier: Apache-2.0 */
/* What a container that is gone has left anywhere: files, sockets, control groups. Nobody who removes a
 * container waits for the file system: a thread clears it away. What an engine leaves behind that ends
 * before, the next one finds as directories without a row. Thread-safe. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"

struct remains;

/* Starts the thread. */
int remains_open(struct remains **out, struct engine *engine, struct err *err) must_check;
/* Ends it when all is cleared that was queued. NULL is fine; returns NULL. */
struct remains *remains_free(struct remains *remains);

/* Queues those of container `id` (copied), which has no row any more. Never blocks, unless so much is
 * queued that clearing it here is only fair. */
void remains_queue(struct engine *engine, const char *id);

/* Clears those of a container that does not run, now. Safe to repeat at any point. Blocks. */
int remains_clear(const struct engine *engine, const char *id, struct err *err) must_check;
/* The control group of all containers, if it is empty: at the engine's end. */
void remains_clear_group(const struct engine *engine);
