/* SPDX-License-Identifier: Apache-2.0 */
/* System.Events. */
#pragma once

#include "cleat/v1/system.rpc.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

int events_serve(struct engine *engine, struct rpc_call *call,
		 const Cleat__V1__EventsRequest *request, struct cleat_v1_system_events_stream *out,
		 struct err *err) must_check;
