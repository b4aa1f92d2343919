/* SPDX-License-Identifier: Apache-2.0 */
/* The services of cleat.v1 as the engine offers them: each file decodes a call, calls the managed
 * thing and fills the reply. Registered by main. */
#pragma once

#include "engine.h"
#include "err.h"
#include "lifecycle.h"
#include "mem.h"
#include "server.h"

/* Offers Containers, Exec and System. 0 or -errno. */
int service_register_containers(struct rpc_server *server) must_check;
int service_register_images(struct rpc_server *server) must_check;
int service_register_exec(struct rpc_server *server) must_check;
int service_register_system(struct rpc_server *server) must_check;

/* The engine a call is for. */
static inline struct engine *service_engine(const struct rpc_call *call)
{
	return rpc_call_context(call);
}

/* What ends a wait of this call: its end, and with `moves` the hand-over to another engine. */
static inline struct interrupt service_interrupt(struct rpc_call *call, bool moves)
{
	return (struct interrupt){ rpc_call_cancel_fd(call), moves ? rpc_call_drain_fd(call) : -1 };
}
