/* SPDX-License-Identifier: Apache-2.0 */
/* The name server of one container: it listens in the container's network namespace, answers for the names of
 * the container's networks from files that the engine replaces, and asks others for all other names: the servers
 * of the host, from the host's side, or the user's, from the container's. What it does is in a file, ResolverSpec
 * (shim.proto). It needs no engine. Runs in the supervisor's loop: nothing here blocks but the reading of these
 * small files. */
#pragma once

#include "loop.h"
#include "mem.h"

enum {
	RESOLVER_FORWARDS_MAX =
		64, /* questions that other servers have at once; more are answered SERVFAIL */
	RESOLVER_CLIENTS_MAX = 16,  /* connections by TCP; the oldest goes */
	RESOLVER_TRY_MS = 2000,     /* for one server to answer */
	RESOLVER_CLIENT_MS = 10000, /* for a connected client to ask */
	RESOLVER_PAUSE_MS = 100, /* until clients are accepted again when no descriptor was left */
	RESOLVER_FILE_MAX = 4 << 20,  /* bytes of a file of names that are looked at */
	RESOLVER_CONF_MAX = 64 << 10, /* of the host's resolv.conf; a longer one has no servers */
	RESOLVER_SPEC_MAX = 1 << 20,  /* of its own */
};

struct resolver;

/* Listens at 127.0.0.11 by UDP and TCP in the namespace `netns` (borrowed; -1 = this process's own), as the file
 * `resolver` below the directory dir_fd (borrowed for life) has it. resolv_conf is the path of the host's, borrowed
 * for life. 0; -ENOENT without such a file, -EBADMSG for another one; -errno of the sockets; -ENOMEM. The loop
 * outlives it. */
int resolver_open(struct resolver **out, struct loop *loop, int netns, int dir_fd,
		  const char *resolv_conf) must_check;
/* NULL is fine. Returns NULL. */
struct resolver *resolver_free(struct resolver *resolver);
