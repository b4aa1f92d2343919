/* SPDX-License-Identifier: Apache-2.0 */
/* Containers.Logs. */
#pragma once

#include "cleat/v1/containers.rpc.h"
#include "engine.h"
#include "err.h"
#include "logreader.h"
#include "mem.h"
#include "record.h"

int logs_serve(struct engine *engine, struct rpc_call *call, const Cleat__V1__LogsRequest *request,
	       struct cleat_v1_containers_logs_stream *out, struct err *err) must_check;

/* The reader of a container's log, owned; -ENOTSUP with reason LOG_NOT_READABLE when its driver keeps
 * none. */
int logs_open(struct engine *engine, const struct record *record, struct logreader **out,
	      struct err *err) must_check;
/* The same of the output as the shim keeps it, whatever the driver: of a json-file the last few
 * megabytes, of none nothing. Its positions count output. */
int logs_open_output(struct engine *engine, const struct record *record, struct logreader **out,
		     struct err *err) must_check;
