/* SPDX-License-Identifier: Apache-2.0 */
/* What a container that is gone has left anywhere: files, sockets, control groups. Nobody who removes a
 * container waits for the file system. What an engine that dies leaves behind, the next one finds as
 * directories without a row. Thread-safe. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"

/* Makes it a chore to clear those of container `id`, which has no row any more. */
void remains_queue(struct engine *engine, const char *id);

/* Clears those of a container that does not run, now. Safe to repeat at any point. Blocks. */
int remains_clear(const struct engine *engine, const char *id, struct err *err) must_check;
/* The control group of all containers, if it is empty: at the engine's end. */
void remains_clear_group(const struct engine *engine);
