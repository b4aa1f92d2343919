/* SPDX-License-Identifier: Apache-2.0 */
/* What the shim of a container relays (shim.proto, RelaySpec): recorded ports of the kind, and beside each that the rules
 * lead from every IPv6 address to the container the same of ::1, which no rule can. */
#pragma once

#include <stdbool.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

/* Brings the file up to date with the recorded ports of the container; one that is not wanted is removed. Blocks on the
 * store and the file system. */
int relayfile_write(struct engine *engine, const char *container_id, struct err *err) must_check;
/* Whether there is one. */
bool relayfile_exists(const struct engine *engine, const char *container_id);
