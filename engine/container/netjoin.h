/* SPDX-License-Identifier: Apache-2.0 */
/* Containers and networks: what a start needs, what an end leaves, what users change in between. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cleat/v1/networks.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "network.h"
#include "record.h"
#include "status.h"

/* Whether the engine makes, or finds, the network namespace of a container with this mode. */
bool netjoin_is_ours(const char *mode);

/* The namespace for a start in *netns (owned; -1 = the runtime makes its own, or it has the host's). With the container's
 * lock held. Blocks on the store and the kernel. */
int netjoin_begin(struct engine *engine, const struct record *record, const struct status *status,
		  int *netns, struct err *err) must_check;
/* The same for a shim that takes over what another has left: a container that runs has its namespace. */
int netjoin_adopt(struct engine *engine, const struct record *record, const struct status *status,
		  int *netns, struct err *err) must_check;
/* Gives back what the container got before its exit number `exits` (ATTACH_ALL: all), and tells it; when it returns that
 * is done, whoever else was at it. Logs what goes wrong: the next engine tries again. */
void netjoin_end(struct engine *engine, const char *id, uint64_t exits);

/* The same for all containers that do not run, whose end may not have been heard of yet. */
void netjoin_sweep(struct engine *engine);

/* Whoever tells an end that he has read of in `status` calls it before: the shim publishes the status before the engine
 * hears of the end. On return its events are recorded, as by history_settle(), and if the container does not run its
 * networks are given back, as by netjoin_end(). Blocks as these do, and while another thread gives them back. */
void netjoin_settle(struct engine *engine, const char *id, const struct status *status);

/* Carries on what an engine was killed at, with the container's lock held. Logs what goes wrong. */
void netjoin_mend(struct engine *engine, const struct record *record, const struct status *status);

/* Others find the container by its new name from now on. */
void netjoin_renamed(struct engine *engine, const char *id);

/* network_remove(), with its event. */
int netjoin_remove(struct engine *engine, const struct network *network, const char *key,
		   struct err *err) must_check;

/* Takes effect at once in a container that runs, else at its next start. With the change it is remembered that the call
 * of `key` was carried out: who repeats it, as the engine died, is not told that it is so already. */
int netjoin_connect(struct engine *engine, const Cleat__V1__ConnectNetworkRequest *request,
		    const char *key, struct err *err) must_check;
int netjoin_disconnect(struct engine *engine, const Cleat__V1__DisconnectNetworkRequest *request,
		       const char *key, struct err *err) must_check;
