/* SPDX-License-Identifier: Apache-2.0 */
/* The range of the host's ids that a container has to itself, of the engine's pool: what the configuration says, else
 * what /etc/subuid and /etc/subgid give the user cleat, else one that nobody else uses by default. It goes with the container's
 * row. All functions block on the store. */
#pragma once

#include "engine.h"
#include "err.h"
#include "idrange.h"
#include "mem.h"

/* A range of n ids that no other container has, for one that has its row. RESOURCE_EXHAUSTED when the pool has none. */
int idranges_take(struct engine *engine, const char *container_id, uint32_t n, struct idrange *out,
		  struct err *err) must_check;

/* n 0 = the container has none. */
int idranges_find(struct engine *engine, const char *container_id, struct idrange *out,
		  struct err *err) must_check;
