/* SPDX-License-Identifier: Apache-2.0 */
/* Images.Save. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"
#include "server.h"

/* The method's handler. */
int imagesave(struct rpc_call *call, const Cleat__V1__SaveImagesRequest *req,
	      struct cleat_v1_images_save_stream *out, struct err *err);
