/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the relay share. Private to relay.c, relaytcp.c and relayudp.c. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "list.h"
#include "relay.h"

/* An address with a port, ready for the calls of sockets; no byte of it is unset. */
struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} at;
	socklen_t n;
};

struct relay {
	struct loop *loop;
	int dir_fd;
	struct list ports, pairs;
	struct list flows; /* the one used last first */
	unsigned n_pairs, n_flows;
	unsigned pairs_max, flows_max;
	struct timer pause; /* ports that accept nothing listen again when it is over */
	struct stat spec_stat;
	uint8_t buffer[RELAY_BUFFER_BYTES]; /* of whoever passes something on now */
};

/* A port that is listened at. */
struct relay_port {
	struct source src;
	struct list link;
	struct relay *relay;
	bool udp, wanted; /* wanted: by the file that is being read */
	struct endpoint host, target;
};

/* relay.c */
/* For a port that cannot accept now: it stays silent for a moment, and who connects waits. */
void relay_pause(struct relay *relay, struct relay_port *port);
/* Where the port leads now, which may be read anew; false: nowhere any more, and the port is gone. */
bool relay_target(struct relay_port *port, struct endpoint *target);

/* relaytcp.c */
void pair_accept(struct source *src, uint32_t events);
void pair_drop_all(struct relay *relay);

/* relayudp.c */
void flow_take(struct source *src, uint32_t events);
/* Forgets the peers of a port; of all with NULL. */
void flow_drop_all(struct relay *relay, const struct relay_port *port);
