/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as members of Docker's HostConfig. Pure; private to dockerjson. */
#pragma once

#include <jansson.h>

#include "cleat/v1/config.pb-c.h"

void dockerlimits_set(json_t *host_config, const Cleat__V1__Resources *limits);
