/* SPDX-License-Identifier: Apache-2.0 */
/* A container of --rm stays until the client that waits for its end in the foreground was told: the
 * session holds it. A hold is a lock of its descriptor, so it ends with the engine that gave it, and a mark
 * on disk, which does not: marked containers are let be for HOLD_GRACE_MS, in which the client comes back, from
 * the engine's start or from when a session sent its client away to come again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

enum { HOLD_GRACE_MS = 10000 };

/* A descriptor that holds the container until hold_close(), or -errno. Never blocks. */
int hold_open(const struct engine *engine, const char *id) must_check;
/* Consumes fd. With the last one the mark goes too, unless the engine leaves: then the client moves. */
void hold_close(const struct engine *engine, const char *id, int fd);
/* Whether a session of any engine holds it. */
bool hold_is_held(const struct engine *engine, const char *id);
/* Consumes fd and leaves the mark, as of now: the client was told to come again. */
void hold_leave(int fd);
/* Whether a session held it that has not let go: it does now, or its engine died, or its client comes again. Then
 * since when it waits for one, CLOCK_REALTIME, into *since_ns. */
bool hold_is_marked(const struct engine *engine, const char *id, int64_t *since_ns);
