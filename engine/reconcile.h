/* SPDX-License-Identifier: Apache-2.0 */
/* Brings each container in line with what is recorded about it, one at a time, in a thread beside
 * serving: at start all of them, later those whose shim hung up or whose end calls for removal. */
#pragma once

#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "mem.h"
#include "shim/shimlink.h"

struct reconciler;

/* Handlers for shims_open() that hand containers over to the reconciler. */
extern const struct shims_handlers reconcile_handlers;

/* Starts the thread. */
int reconcile_open(struct reconciler **out, struct engine *engine, struct err *err) must_check;
/* Ends it after the container at hand. NULL is fine. */
struct reconciler *reconcile_free(struct reconciler *reconciler);

/* Queues container `id` (copied). Never blocks. */
void reconcile_one(struct reconciler *reconciler, const char *id);
/* The same, to be looked at not before at_ns (CLOCK_MONOTONIC; 0 = now). */
void reconcile_at(struct reconciler *reconciler, const char *id, int64_t at_ns);
/* Queues every container of the store and removes what has no row. Called once, after serving began. */
void reconcile_all(struct reconciler *reconciler);
