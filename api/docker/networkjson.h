/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's JSON of networks and of what a container is to have of them. Pure. */
#pragma once

#include <jansson.h>

#include "cleat/v1/config.pb-c.h"
#include "cleat/v1/networks.pb-c.h"
#include "err.h"
#include "mem.h"

/* NetworkCreateRequest, owned. -EINVAL names the member. */
int networkjson_parse(json_t *body, Cleat__V1__CreateNetworkRequest **out,
		      struct err *err) must_check;
/* EndpointSettings, owned; `network` is its name, "" = none. NULL or null is one without wishes. */
int networkjson_endpoint(json_t *settings, const char *network, Cleat__V1__EndpointConfig **out,
			 struct err *err) must_check;
/* HostConfig.PortBindings and NetworkingConfig.EndpointsConfig (each may be NULL) into the config. */
int networkjson_ports(json_t *bindings, Cleat__V1__ContainerConfig *config,
		      struct err *err) must_check;
int networkjson_endpoints(json_t *endpoints, Cleat__V1__ContainerConfig *config,
			  struct err *err) must_check;
