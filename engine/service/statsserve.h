/* SPDX-License-Identifier: Apache-2.0 */
/* Containers.Stats. */
#pragma once

#include "cleat/v1/containers.rpc.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* Blocks until the call ends, this engine leaves (UNAVAILABLE, reason MOVED), or, with `once`, the samples are sent. */
int stats_serve(struct engine *engine, struct rpc_call *call,
		const Cleat__V1__StatsRequest *request,
		struct cleat_v1_containers_stats_stream *out, struct err *err) must_check;
