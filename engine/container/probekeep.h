/* SPDX-License-Identifier: Apache-2.0 */
/* The newest runs of health checks, so that who reads of one in the events can ask for it by its exec id. They have no
 * rows in the store, as there may be many a second: it is memory, and no fact. Thread-safe. */
#pragma once

#include <stdbool.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "execrecord.h"

enum { PROBEKEEP_MAX = 256 };

struct probekeep;

/* NULL = no memory. */
struct probekeep *probekeep_new(void) must_check;
/* NULL is fine; returns NULL. */
struct probekeep *probekeep_free(struct probekeep *keep);

/* What an event of the container's shim tells of a run; others of its events are none of its business. */
void probekeep_take(struct probekeep *keep, const char *container_id,
		    const Cleat__Shim__V1__ShimEvent *event);
/* The run of exactly that id, without a config: owned in *out. False = it is not known, or not any more. */
bool probekeep_find(struct probekeep *keep, const char *exec_id, struct execrecord *out);
