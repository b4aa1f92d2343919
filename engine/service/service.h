/* SPDX-License-Identifier: Apache-2.0 */
/* The services of cleat.v1 as the engine offers them: each file decodes a call, calls the managed
 * thing and fills the reply. Registered by main. */
#pragma once

#include <stdio.h>

#include "engine.h"
#include "err.h"
#include "lifecycle.h"
#include "mem.h"
#include "server.h"
#include "store/requests.h"

/* Each offers the service of its name. 0 or -errno. */
int service_register_containers(struct rpc_server *server) must_check;
int service_register_images(struct rpc_server *server) must_check;
int service_register_volumes(struct rpc_server *server) must_check;
int service_register_exec(struct rpc_server *server) must_check;
int service_register_networks(struct rpc_server *server) must_check;
int service_register_volumes(struct rpc_server *server) must_check;
int service_register_system(struct rpc_server *server) must_check;

/* The engine a call is for. */
static inline struct engine *service_engine(const struct rpc_call *call)
{
	return rpc_call_context(call);
}

/* What names a call for all its repetitions: the caller, the method and the caller's request_key; "" when
 * it gave none. */
struct call_key {
	char text[REQUESTS_KEY_MAX];
};

static inline struct call_key service_key(const struct rpc_call *call)
{
	const struct rpc_peer *peer = rpc_call_peer(call);
	const char *key = rpc_call_request_key(call);
	struct call_key out = { "" };

	if (key[0])
		(void)snprintf(out.text, sizeof(out.text), "%d:%.40s:%.*s",
			       peer->has_credentials ? (int)peer->uid : -1,
			       rpc_call_method(call)->path, RPC_MAX_KEY, key);
	return out;
}

/* What ends a wait of this call: its end, and with `moves` the hand-over to another engine. */
static inline struct interrupt service_interrupt(struct rpc_call *call, bool moves)
{
	return (struct interrupt){ rpc_call_cancel_fd(call), moves ? rpc_call_drain_fd(call) : -1 };
}
