/* SPDX-License-Identifier: Apache-2.0 */
/* A container's network namespace with all its interfaces: made for each start by a user, kept by its shim, gone with the
 * last who holds it. What is recorded of it (addresses, ports) goes when the container has ended. All functions block on
 * the store and the kernel. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cleat/v1/config.pb-c.h"
#include "endpoint.h"
#include "engine.h"
#include "err.h"
#include "idrange.h"
#include "mem.h"

struct attach_request {
	const char *container_id;
	uint64_t exits; /* of the container so far */
	const Cleat__V1__ContainerConfig *config;
	struct idrange ids; /* of the container's user namespace; n 0 = the host's */
};

/* Makes it, in *netns (owned), and tells what it has in *out (owned). What the container has recorded already, it keeps.
 * On failure nothing is left. The caller holds the container's lock. */
int attach_up(struct engine *engine, const struct attach_request *request, int *netns,
	      struct endpoints **out, struct err *err) must_check;

/* One more interface in a namespace (borrowed) that is in use, or one less. */
int attach_connect(struct engine *engine, const struct attach_request *request, int netns,
		   const char *network_id, struct err *err) must_check;
int attach_disconnect(struct engine *engine, const char *container_id, int netns,
		      const struct network *network, struct err *err) must_check;

/* Networks that a container was in. */
struct attach_left {
	struct {
		char id[65], name[NETWORK_NAME_MAX];
	} v[ENDPOINTS_MAX];
	size_t n;
};
/* Takes back what was recorded before the container's exit number `exits`; *left (may be NULL) are the networks it is
 * no longer in. */
int attach_down(struct engine *engine, const char *container_id, uint64_t exits,
		struct attach_left *left, struct err *err) must_check;
enum { ATTACH_ALL = INT32_MAX }; /* as `exits`: whatever there is */
