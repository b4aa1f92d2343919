/* SPDX-License-Identifier: Apache-2.0 */
/* What containers have of networks: which they are to be in (for their life) and their addresses (while they run). The
 * key of the table of addresses is what makes it impossible to give one out twice. All functions block on the store. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cleat/v1/config.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "network.h"

enum { ENDPOINTS_MAX = 64 }; /* networks of one container */

struct endpoint {
	char id[65];
	Cleat__V1__EndpointConfig *config;  /* owned */
	struct network network;             /* owned */
	struct addr addr[NETWORK_FAMILIES]; /* len = 0: none */
	uint8_t mac[6];
	int position; /* 0 = eth0 */
};

struct endpoints {
	struct endpoint v[ENDPOINTS_MAX];
	size_t n;
};
void endpoints_free(struct endpoints *endpoints);
void endpoints_freep(struct endpoints **endpoints);

/* Records, within the caller's transaction, the networks that a new container's config names. */
int endpoints_record(struct engine *engine, const char *container_id,
		     const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* Checks what a config says of networks before anything is made: that they are there, and addresses within them. */
int endpoints_check(struct engine *engine, const Cleat__V1__ContainerConfig *config,
		    struct err *err) must_check;
/* One more, of a container that exists and has this host name. -EEXIST when it is in the network. Its intent is to
 * join. */
int endpoint_add(struct engine *engine, const char *container_id, const struct network *network,
		 const Cleat__V1__EndpointConfig *config, const char *hostname,
		 struct err *err) must_check;
/* What is being done about it; ENDPOINT_AT_REST: nothing any more. 1 = done, 0 = there is none. */
#define ENDPOINT_AT_REST ""
#define ENDPOINT_LEAVING "leaving"
int endpoint_set_intent(struct engine *engine, const char *container_id, const char *network_id,
			const char *intent, struct err *err) must_check;
/* One that is not at rest though nobody is at work on it. 1 with its network's id, else 0. */
int endpoint_half_done(struct engine *engine, const char *container_id, char network_id[65],
		       struct err *err) must_check;
/* Its addresses are another's to have. */
int endpoint_release(struct engine *engine, const char *container_id, const char *network_id,
		     struct err *err) must_check;
/* One without addresses. 1 = it is removed, 0 = there was none. */
int endpoint_remove(struct engine *engine, const char *container_id, const char *network_id,
		    struct err *err) must_check;

/* The networks of a container, eth0's first, owned in *out; without addresses. -ENOENT, reason NETWORK_NOT_FOUND, when
 * one of them is gone. */
int endpoints_load(struct engine *engine, const char *container_id, struct endpoints **out,
		   struct err *err) must_check;

/* Fills in the addresses that the container has now, and its MAC. */
int endpoints_read(struct engine *engine, const char *container_id, struct endpoints *endpoints,
		   struct err *err) must_check;

/* Within the caller's transaction: gives the endpoint its addresses, or those it has already. `exits` is how often the
 * container has ended so far. ERR_PRECONDITION, reason ADDRESS_IN_USE; ERR_EXHAUSTED. */
int endpoint_lease(struct engine *engine, const char *container_id, struct endpoint *endpoint,
		   uint64_t exits, struct err *err) must_check;
/* Takes back what a container got before its exit number `exits`. Returns how many addresses that were. */
int endpoints_release(struct engine *engine, const char *container_id, uint64_t exits,
		      struct err *err) must_check;
