/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports: which ones a container gets is decided in the store, whose key keeps two containers apart; what
 * listens on the host itself is found by trying. Some are relayed: a socket of the shim listens there (relayfile.h). All functions block on the store; those that change rules take
 * network_lock(). */
#pragma once

#include <stdint.h>

#include "addr.h"
#include "cleat/v1/config.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "rules.h"

/* Whether a config publishes anything. */
bool ports_wanted(const Cleat__V1__ContainerConfig *config);
/* Ports, protocols and addresses are ones that can be, with this configuration of the engine. Pure. */
int ports_check(const struct config *engine, const Cleat__V1__ContainerConfig *config,
		struct err *err) must_check;

/* What the container is reached at. */
struct ports_owner {
	const char *container_id;
	struct addr addr[2]; /* IPv4, IPv6; len = 0: none */
	uint64_t exits;      /* as endpoint_lease() */
};
/* Within the caller's transaction: records all that the config publishes, choosing where it leaves the choice; what is
 * recorded already, stays.
 * ERR_PRECONDITION, reason PORT_IN_USE, names who has a port. */
int ports_allocate(struct engine *engine, const struct ports_owner *owner,
		   const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* Before that and outside of a transaction: ends what an end that was not heard of yet has left of another policy. */
int ports_renew(struct engine *engine, const char *container_id, struct err *err) must_check;
/* Puts the container's recorded ports into effect. */
int ports_publish(struct engine *engine, const char *container_id, struct err *err) must_check;
/* The container is reached at another address of a family from now on, or (len = 0) not at all: its recorded ports lead
 * there, or are ended. */
int ports_retarget(struct engine *engine, const char *container_id, const struct addr addr[2],
		   struct err *err) must_check;
/* Ends those of before the container's exit number `exits`, record and effect. */
int ports_release(struct engine *engine, const char *container_id, uint64_t exits,
		  struct err *err) must_check;
