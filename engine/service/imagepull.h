/* SPDX-License-Identifier: Apache-2.0 */
/* Images.Pull and Images.Push. Private to this folder. */
#pragma once

#include "cleat/v1/images.rpc.h"
#include "err.h"
#include "registry/auth.h"

int imagepull(struct rpc_call *call, const Cleat__V1__PullImageRequest *req,
	      struct cleat_v1_images_pull_stream *out, struct err *err);
int imagepush(struct rpc_call *call, const Cleat__V1__PushImageRequest *req,
	      struct cleat_v1_images_push_stream *out, struct err *err);
/* Borrows from the message. */
struct auth_credentials imagepull_auth(const Cleat__V1__RegistryAuth *auth);
