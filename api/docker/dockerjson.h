/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of cleat.v1 as the JSON Docker's API and `docker inspect` have. Pure. */
#pragma once

#include <jansson.h>

#include "cleat/v1/containers.pb-c.h"
#include "cleat/v1/images.pb-c.h"
#include "cleat/v1/networks.pb-c.h"

/* Each returns an owned object, NULL without memory. */
json_t *dockerjson_container(const Cleat__V1__ContainerDetails *container);
json_t *dockerjson_image(const Cleat__V1__ImageDetails *image);
/* A container's `Mounts` and `NetworkSettings.Networks`. */
json_t *dockerjson_mounts(Cleat__V1__MountPoint *const *mounts, size_t n);
/* HostConfig.Links: those of the default network are shown with whose they are. */
json_t *dockerjson_links(const Cleat__V1__ContainerDetails *container);
json_t *dockerjson_network_settings(const Cleat__V1__ContainerDetails *container);
/* Adds a binding to the map "PORT/PROTOCOL" of lists; `last` is that of a range of host ports, 0 = there is one. */
void dockerjson_add_port(json_t *ports, uint32_t port, const char *protocol, const char *ip,
			 uint32_t host, uint32_t last);
json_t *dockerjson_networks(Cleat__V1__EndpointStatus *const *endpoints, size_t n,
			    const Cleat__V1__ContainerConfig *config);
/* "running" and so on. */
const char *dockerjson_state(Cleat__V1__ContainerState state);

/* Network of Docker's API, with its members if the message has them. */
json_t *dockerjson_network(const Cleat__V1__NetworkDetails *network);
