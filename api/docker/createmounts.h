/* SPDX-License-Identifier: Apache-2.0 */
/* Binds, Mounts and Tmpfs of Docker's HostConfig. Pure. */
#pragma once

#include <jansson.h>

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"

/* Appends them to the config's mounts. -EINVAL names the member. */
int createmounts(json_t *host, Cleat__V1__ContainerConfig *config, struct err *err) must_check;
/* docker-py names the targets of its binds as volumes too: drops those. */
void createmounts_drop_volumes(Cleat__V1__ContainerConfig *config);
