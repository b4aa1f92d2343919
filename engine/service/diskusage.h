/* SPDX-License-Identifier: Apache-2.0 */
/* System.DiskUsage. */
#pragma once

#include "cleat/v1/system.rpc.h"
#include "err.h"
#include "server.h"

/* The method's handler. */
int diskusage(struct rpc_call *call, const Cleat__V1__DiskUsageRequest *req,
	      Cleat__V1__DiskUsageReply *reply, struct err *err);
