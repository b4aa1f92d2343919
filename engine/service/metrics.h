/* SPDX-License-Identifier: Apache-2.0 */
/* System.Metrics: what this engine has done since it started, and what there is now. Counts are no facts of the engine:
 * whoever watches expects them to begin anew with each start. Thread-safe. */
#pragma once

#include "cleat/v1/system.rpc.h"
#include "err.h"
#include "server.h"

struct metrics;

/* Counts for all methods. NULL without memory. */
struct metrics *metrics_new(void);
/* Takes NULL, returns NULL. */
struct metrics *metrics_free(struct metrics *metrics);

/* As rpc_server_config.ended; the context is an engine. Never blocks. */
void metrics_call_ended(const struct rpc_call *call, enum err_code code, int64_t took_ns);

/* The method's handler. Reads the sizes of files: blocks. */
int metrics_serve(struct rpc_call *call, const Cleat__V1__MetricsRequest *req,
		  Cleat__V1__MetricsReply *reply, struct err *err);
