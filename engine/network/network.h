/* SPDX-License-Identifier: Apache-2.0 */
/* Networks as the store has them. All functions block on the store. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cleat/v1/networks.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "rtnl.h"

enum { NETWORK_FAMILIES = 2, NETWORK_NAME_MAX = 256 };

/* A network's addresses of one family. */
struct network_pool {
	struct subnet subnet; /* addr.len = 0: it has none of the family */
	struct subnet range;  /* of which containers get theirs */
	struct addr gateway;  /* the bridge's own */
};

struct network {
	char id[65];
	char name[NETWORK_NAME_MAX];
	char driver[16]; /* bridge, host, null */
	int64_t created_ns;
	char bridge[RTNL_NAME_MAX]; /* its interface on the host; "" = it needs none */
	bool removing;
	Cleat__V1__CreateNetworkRequest *config;     /* with all that was chosen filled in */
	struct network_pool pools[NETWORK_FAMILIES]; /* IPv4, IPv6 */
};

/* Frees what it owns; for cleanup(). */
void network_deinit(struct network *network);
void network_list_free(struct network *networks, size_t n);

/* The network a user means: id, name, or unique prefix of an id. Owned in *out. -ENOENT, reason NETWORK_NOT_FOUND.
 * The default network gets its subnet when it is first looked for. */
int network_find(struct engine *engine, const char *reference, struct network *out,
		 struct err *err) must_check;
/* All, oldest first. *out is owned: network_list_free(). */
int network_list(struct engine *engine, struct network **out, size_t *n,
		 struct err *err) must_check;
/* One of those there from the beginning. */
bool network_is_builtin(const struct network *network);
/* Whether a container is to be in it, running or not. */
int network_is_used(struct engine *engine, const char *id, bool *used, struct err *err) must_check;
/* The value of an option, NULL = not given. */
const char *network_option(const struct network *network, const char *key);
/* Bytes of the packets its interfaces carry, 0 = the kernel's. */
uint32_t network_mtu(const struct network *network);

/* Held while interfaces and rules are changed: excludes threads and other engines of the same state. A descriptor, or
 * -errno. */
int network_lock(const struct engine *engine, struct err *err) must_check;

/* What a container has for network_mode: "" and "default" are the default network, or none where the configuration says
 * so. Borrows. */
const char *network_mode(const struct engine *engine, const char *mode);
/* A recorded mode that means networks of ours: not none, host or another container's. Containers of releases without
 * networks have "" or "default" there, and none. */
bool network_mode_is_own(const char *mode);

/* makenetwork.c */

/* Checks the request, chooses what it leaves open and records the network. *id is its id. -EEXIST, reason
 * NETWORK_EXISTS; -EINVAL names the field. Its interface is made when a container needs it. */
int network_create(struct engine *engine, const Cleat__V1__CreateNetworkRequest *request,
		   char id[65], struct err *err) must_check;
/* Gives the default network, which was not used so far, a subnet. */
int network_settle(struct engine *engine, struct network *network, struct err *err) must_check;
