/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports that are relayed: sockets of the host, which its rules for what comes in see as those of any server,
 * and whose connections (TCP) and datagrams (UDP) go on to the container. The container sees the host's address in its
 * network as that of its client. Which ports is in a file, RelaySpec (shim.proto). Needs no engine. Runs in the
 * supervisor's loop: nothing here blocks but the reading of that small file. Peers get half of the descriptors that the process
 * may have, so that none of them keeps the supervisor from its other work. */
#pragma once

#include "loop.h"
#include "mem.h"

enum {
	RELAY_PAIRS_MAX =
		4096, /* connections, or what the descriptors suffice for; more wait to be accepted */
	RELAY_FLOWS_MAX = 1024, /* peers by UDP, the same; the one that was silent longest goes */
	RELAY_PAUSE_MS = 100,   /* until a port that could not accept tries again */
	RELAY_FLOW_MS = 90000,  /* of silence until a peer by UDP is forgotten, as with Docker */
	RELAY_BUFFER_BYTES = 64 << 10,
	RELAY_SPEC_MAX = 1 << 20,
};

struct relay;

/* Of the file `ports` below the directory dir_fd (borrowed for life), in the namespace of the caller. Listens nowhere
 * yet. 0; -ENOENT without such a file; -ENOMEM. The loop outlives it. */
int relay_open(struct relay **out, struct loop *loop, int dir_fd) must_check;
/* Listens at the ports the file has now, and no more at others; those connections that exist go on. 0; -EBADMSG for a
 * broken file; -errno of the first socket that could not be had: the other ports are served. */
int relay_refresh(struct relay *relay) must_check;
/* Ends all connections. NULL is fine. Returns NULL. */
struct relay *relay_free(struct relay *relay);
