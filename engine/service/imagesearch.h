/* SPDX-License-Identifier: Apache-2.0 */
/* Images.Search. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"
#include "mem.h"

int imagesearch(struct rpc_call *call, const Cleat__V1__SearchImagesRequest *req,
		Cleat__V1__SearchImagesReply *reply, struct err *err) must_check;
