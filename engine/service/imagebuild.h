/* SPDX-License-Identifier: Apache-2.0 */
/* Building for a client: Images.Build, and the cache's prune. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"
#include "mem.h"
#include "server.h"

int imagebuild(struct rpc_call *call, struct cleat_v1_images_build_stream *io,
	       struct err *err) must_check;
int imagebuild_prune(struct rpc_call *call, const Cleat__V1__PruneBuildCacheRequest *req,
		     Cleat__V1__PruneBuildCacheReply *reply, struct err *err) must_check;
