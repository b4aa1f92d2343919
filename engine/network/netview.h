/* SPDX-License-Identifier: Apache-2.0 */
/* What lists and inspects show of containers' networks and ports: read at once for all of them, or for one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleat/v1/containers.pb-c.h"
#include "cleat/v1/networks.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "network.h"

struct netview;

/* Of the container, or of all (NULL). Owned in *out. Blocks on the store. */
int netview_load(struct engine *engine, const char *container_id, struct netview **out,
		 struct err *err) must_check;
struct netview *netview_free(struct netview *view);
void netview_freep(struct netview **view);

/* Owned arrays of messages. 0 or -ENOMEM. */
int netview_endpoints(const struct netview *view, const char *container_id,
		      Cleat__V1__EndpointStatus ***out, size_t *n) must_check;
int netview_ports(const struct netview *view, const char *container_id,
		  const Cleat__V1__ContainerConfig *config, Cleat__V1__PublishedPort ***out,
		  size_t *n) must_check;

/* Whether a container is to be in the network with this name, id or beginning of an id. */
bool netview_is_in(const struct netview *view, const char *container_id, const char *network);
/* The host's port of a container's n-th published one, with its protocol (borrowed); false behind the last. */
bool netview_port(const struct netview *view, const char *container_id, size_t n, uint16_t *port,
		  const char **protocol);

/* Fills in *out from the record, with the running containers that are in the network if `members`. */
int netview_network(struct engine *engine, const struct network *network, bool members,
		    Cleat__V1__NetworkDetails *out, struct err *err) must_check;
