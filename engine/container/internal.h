/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that the engine makes for itself: lists do not show them, and one that nobody holds any more
 * is removed. Pure. */
#pragma once

#include <stdbool.h>

#include "cleat/v1/containers.pb-c.h"
#include "mem.h"

/* A copy of the request that says so; owned, NULL = no memory. */
Cleat__V1__CreateContainerRequest *
internal_copy(const Cleat__V1__CreateContainerRequest *request) must_check;
bool internal_is(const Cleat__V1__ContainerConfig *config);
