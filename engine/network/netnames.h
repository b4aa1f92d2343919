/* SPDX-License-Identifier: Apache-2.0 */
/* Names of containers in the networks that users make: STATE/names/NETWORK-ID has a line of hosts(5) for every address
 * of one that runs. It is written anew whenever that changes and read by the name servers of all containers of the
 * network; the store has all that is in it. All functions block on the store and on files. */
#pragma once

#include <stdbool.h>

#include "endpoint.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "network.h"

/* Whether containers find each other by names there: as in Docker not on the default network. */
bool netnames_has(const struct network *network);
/* Whether they do in one of a container's: it has a name server. */
bool netnames_has_any(const struct endpoints *endpoints);

/* The path of its file, owned; NULL without memory. */
char *netnames_path(const struct engine *engine, const char *network_id);

/* Held while files that others' names go into are written: who has it and then reads the store writes what is
 * newest. A descriptor or -errno. */
int netnames_lock(const struct engine *engine, struct err *err) must_check;

/* Writes the file as the store is now; none where nobody runs. Logs what goes wrong: the next change, or the next
 * engine, writes it again. */
void netnames_publish(struct engine *engine, const char *network_id);
/* The same for all networks that a container has addresses of. */
void netnames_publish_container(struct engine *engine, const char *container_id);
/* All of them, and what a killed engine has left is removed. */
void netnames_recover(struct engine *engine);
