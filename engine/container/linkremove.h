/* SPDX-License-Identifier: Apache-2.0 */
/* rm --link: a container no longer knows another one by an alias. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"

/* `path` is "/container/alias", the first slash may be absent. A link of the default network goes from the container's
 * record and its hosts file. `key` as for lifecycle_start(). -ENOENT: there is no such link. Blocks. */
int linkremove(struct engine *engine, const char *path, const char *key,
	       struct err *err) must_check;
