/* SPDX-License-Identifier: Apache-2.0 */
/* Attach: a bridge between a client's stream and the shim's stream socket. */
#pragma once

#include "cleat/v1/containers.rpc.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* Serves one Attach call from its first message to its end. Blocks. */
int session_attach(struct engine *engine, struct rpc_call *call,
		   struct cleat_v1_containers_attach_stream *io, struct err *err) must_check;
