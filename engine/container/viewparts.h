/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that the list and the details of a container share. Pure; 0 or -ENOMEM. What was made until then is
 * in the out-parameters too, for the message they belong to to free. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "engine.h"
#include "mem.h"
#include "netview.h"
#include "record.h"

/* What is mounted from outside the container; its tmpfs mounts are in the config alone, as with Docker.
 * `config` is that of the record's request. */
int viewparts_mounts(const struct engine *engine, const struct record *record,
		     const Cleat__V1__ContainerConfig *config, Cleat__V1__MountPoint ***out,
		     size_t *n) must_check;
/* A container's networks. Those of mode none and host are one of that name. */
int viewparts_networks(const struct netview *view, const char *id, const char *mode,
		       Cleat__V1__EndpointStatus ***out, size_t *n) must_check;
