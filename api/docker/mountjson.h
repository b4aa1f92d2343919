/* SPDX-License-Identifier: Apache-2.0 */
/* A container's mounts as Docker's HostConfig has them: each is in Binds, Tmpfs or Mounts, in the first that can say
 * all of it. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cleat/v1/config.pb-c.h"

bool mountjson_is_bind(const Cleat__V1__Mount *mount);
bool mountjson_is_tmpfs(const Cleat__V1__Mount *mount);
/* "source:target[:options]", or the target alone of an anonymous volume; owned. */
json_t *mountjson_bind(const Cleat__V1__Mount *mount);
/* The member Mounts of what is neither, if there is any. */
void mountjson_set_mounts(json_t *host, const Cleat__V1__ContainerConfig *config);
