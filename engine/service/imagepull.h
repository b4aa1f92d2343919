/* SPDX-License-Identifier: Apache-2.0 */
/* Images.Pull. Private to this folder. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"

int imagepull(struct rpc_call *call, const Cleat__V1__PullImageRequest *req,
	      struct cleat_v1_images_pull_stream *out, struct err *err);
