/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's table of nftables as a script: what keeps networks apart, masquerades them and publishes ports. All that
 * changes is in sets and maps, so that a packet meets a handful of rules however many networks and ports there are.
 * Nothing here accepts what others drop, and nothing is dropped but what goes to or comes from a bridge of ours.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"

struct rules_network {
	const char *bridge;   /* its interface */
	struct subnet subnet; /* without bits behind the prefix */
	bool internal;        /* nothing leaves it */
	bool masquerade;      /* what leaves it has the host's address */
};

struct rules_port {
	char protocol[8]; /* tcp, udp, sctp */
	struct addr host; /* all zero bytes = every address of the host */
	uint16_t host_port;
	struct addr target;
	uint16_t target_port;
	bool relayed; /* by a socket: no rule leads there */
};

/* A table without networks and ports, in place of the one there is. What follows belongs to the same script and
 * happens with it. */
void rules_begin(struct buf *script, const char *table);
/* A subnet of a network; one of two families is told twice. */
void rules_add_network(struct buf *script, const char *table, const struct rules_network *network);
void rules_add_port(struct buf *script, const char *table, const struct rules_port *port);
/* The map that a port is in. */
const char *rules_port_map(const struct rules_port *port);
/* 0.0.0.0 or :: */
bool rules_is_every(const struct addr *addr);
/* A table with an empty chain through which passes all that is forwarded, before our own rules. */
void rules_add_user(struct buf *script, const char *table);
/* The end of the table. */
void rules_drop(struct buf *script, const char *table);
