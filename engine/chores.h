/* SPDX-License-Identifier: Apache-2.0 */
/* Work that nobody waits for: clearing away what users are rid of already. A thread does it, one piece after
 * the other. What an engine that dies leaves undone, the next one finds. Thread-safe. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"

struct chores;

/* One piece; logs what goes wrong. */
typedef void chore_fn(struct engine *engine, const char *what);

/* Starts the thread. */
int chores_open(struct chores **out, struct engine *engine, struct err *err) must_check;
/* Ends it when all is done that was queued. NULL is fine; returns NULL. */
struct chores *chores_free(struct chores *chores);

/* Queues run(engine, what); `what` is copied. Never blocks, unless so much is queued already that doing it here
 * is only fair. */
void chores_queue(struct engine *engine, chore_fn *run, const char *what);
