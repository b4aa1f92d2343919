/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the engine's table of nftables back when somebody else has deleted it: reloading a firewall often begins with
 * `flush ruleset`. A thread listens to what nftables tells of changes. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"

struct netwatch;

/* Starts the thread. A kernel without nftables is no error: *out is NULL then. */
int netwatch_open(struct netwatch **out, struct engine *engine, struct err *err) must_check;
/* Ends it. NULL is fine; returns NULL. */
struct netwatch *netwatch_free(struct netwatch *watch);
