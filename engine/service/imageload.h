/* SPDX-License-Identifier: Apache-2.0 */
/* Images.Load. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"
#include "server.h"

/* The method's handler. */
int imageload(struct rpc_call *call, struct cleat_v1_images_load_stream *io, struct err *err);
