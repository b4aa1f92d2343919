/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to containers: shims' events and the engine's own actions, recorded once each. */
#pragma once

#include "cleat/shim/v1/shim.pb-c.h"
#include "engine.h"
#include "err.h"
#include "image.h"
#include "mem.h"
#include "record.h"

/* Records a shim's event unless it is known already (by container and sequence) and wakes who waits.
 * Returns 1 when it was new, 0 when it was not, -errno (logged) when it is not recorded. Blocks on the store. */
int history_shim_event(struct engine *engine, const char *id,
		       const Cleat__Shim__V1__ShimEvent *event);

/* Records what the journal of the container's shim has and the store has not: for a shim that is gone, or
 * is about to be. */
void history_settle(struct engine *engine, const char *id);

/* An attribute of an action; a list of them ends with a NULL key. */
struct history_detail {
	const char *key, *value;
};
/* An action of the engine; details may be NULL. */
void history_action(struct engine *engine, const struct record *record, const char *action,
		    const struct history_detail *details);
/* The same for the container `name` means; nothing when there is none (any more). */
void history_action_of(struct engine *engine, const char *name, const char *action);

/* Its terminal has another size. */
void history_resized(struct engine *engine, const char *name, uint32_t rows, uint32_t columns);

/* An event of an image, whose labels are attributes; its name there is the id, as dockerd has it. */
void history_image(struct engine *engine, const struct image *image, const char *action);
/* The same of the image `id`, with the labels it has if it is there. */
void history_image_id(struct engine *engine, const char *id, const char *action);
/* The image `id` was given a name: `reference`, as a user wrote it. */
void history_tagged(struct engine *engine, const char *id, const char *reference);
/* A pull or a push; `full` is the image's name in full. */
void history_transfer(struct engine *engine, const char *full, const char *action);
/* A prune of a type of objects, "container". */
void history_pruned(struct engine *engine, const char *type, uint64_t reclaimed_bytes);

/* An event of a volume: create, destroy. */
void history_volume(struct engine *engine, const char *name, const char *action);

/* An event of a network of the driver `type`; `container` is the one that enters or leaves it, "" = none. */
void history_network(struct engine *engine, const char *id, const char *name, const char *type,
		     const char *container, const char *action);

/* Opens the journal, engine->journal; close it with journal_free(). Blocks on other engines. */
int history_open(struct engine *engine, struct err *err) must_check;
