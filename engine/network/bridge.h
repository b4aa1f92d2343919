/* SPDX-License-Identifier: Apache-2.0 */
/* A network on the host: its bridge and its part of the table of nftables. Made when the first container needs it, and
 * again should it be gone. All functions block on the store and the kernel. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"
#include "network.h"
#include "rtnl.h"

/* Name of this engine's table; out has 32 bytes. */
void bridge_table(const struct engine *engine, char out[32]);

/* The number of the network's bridge, by a socket into the host's namespace. -ENOENT, NETWORK_NOT_FOUND, when it is
 * being removed. */
int bridge_up(struct engine *engine, const struct network *network, struct rtnl *host,
	      struct err *err) must_check;

/* Name of the table with the users' own rules, which is made when it is not there and never changed. */
void bridge_user_table(const struct engine *engine, char out[32]);

/* Replaces the table by what the store says, in one transaction: no packet meets half of it. */
int bridge_rules(struct engine *engine, struct err *err) must_check;

/* Removes a network that no running container is in. -EBUSY, reason NETWORK_IN_USE; ERR_PERMISSION for one of those there
 * from the beginning. The call `key` ("" = none) is remembered with the decision: an interrupted removal is ended by
 * network_recover(). */
int network_remove(struct engine *engine, const struct network *network, const char *key,
		   struct err *err) must_check;
/* At start: ends removals that were interrupted, and makes sure of the rules where bridges are up. Logs what goes
 * wrong. */
void network_recover(struct engine *engine);
