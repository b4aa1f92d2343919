/* SPDX-License-Identifier: Apache-2.0 */
/* Images.InspectRemote. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"
#include "mem.h"

int imagelook(struct rpc_call *call, const Cleat__V1__InspectRemoteImageRequest *req,
	      Cleat__V1__RemoteImage *reply, struct err *err) must_check;
