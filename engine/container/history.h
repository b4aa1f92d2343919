/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to containers: shims' events and the engine's own actions, recorded once each. */
#pragma once

#include "cleat/shim/v1/shim.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"

/* Records a shim's event unless it is known already (by container and sequence) and wakes who waits.
 * Returns true when it was new. Blocks on the store. */
bool history_shim_event(struct engine *engine, const char *id,
			const Cleat__Shim__V1__ShimEvent *event);

/* Records what the journal of the container's shim has and the store has not: for a shim that is gone, or
 * is about to be. */
void history_settle(struct engine *engine, const char *id);

/* An action of the engine, with one attribute of its own (NULL: none). */
void history_action(struct engine *engine, const struct record *record, const char *action,
		    const char *key, const char *value);

/* An event of an image; `name` as users write it, "" = none. */
void history_image(struct engine *engine, const char *id, const char *name, const char *action);

/* Opens the journal, engine->journal; close it with journal_free(). Blocks on other engines. */
int history_open(struct engine *engine, struct err *err) must_check;
