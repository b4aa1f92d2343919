/* SPDX-License-Identifier: Apache-2.0 */
/* A container of --rm stays until the client that waits for its end in the foreground was told: the
 * session holds it. A hold is a lock of its descriptor, so it ends with the engine that gave it; a new
 * engine therefore lets such containers be for HOLD_GRACE_MS, in which the client comes back. */
#pragma once

#include <stdbool.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

enum { HOLD_GRACE_MS = 10000 };

/* A descriptor that holds the container until it is closed, or -errno. Never blocks. */
int hold_open(const struct engine *engine, const char *id) must_check;
/* Whether a session of any engine holds it. */
bool hold_is_held(const struct engine *engine, const char *id);
