/* SPDX-License-Identifier: Apache-2.0 */
/* Images.Import. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"
#include "server.h"

/* The method's handler. */
int imageimport(struct rpc_call *call, struct cleat_v1_images_import_stream *io, struct err *err);
