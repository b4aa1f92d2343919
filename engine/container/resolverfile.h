/* SPDX-License-Identifier: Apache-2.0 */
/* STATE/containers/ID/resolver: what the name server in the container's shim answers from (ResolverSpec in shim.proto).
 * Blocks on the file system. */
#pragma once

#include <stdbool.h>

#include "cleat/v1/config.pb-c.h"
#include "endpoint.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* Replaces it. */
int resolverfile_write(struct engine *engine, const char *id,
		       const Cleat__V1__ContainerConfig *config, const struct endpoints *endpoints,
		       struct err *err) must_check;
/* Whether it is there and says what would be written. */
bool resolverfile_is_current(struct engine *engine, const char *id,
			     const Cleat__V1__ContainerConfig *config,
			     const struct endpoints *endpoints);
bool resolverfile_exists(const struct engine *engine, const char *id);
/* Absence is fine. */
void resolverfile_remove(const struct engine *engine, const char *id);
