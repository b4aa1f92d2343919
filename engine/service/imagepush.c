/* SPDX-License-Identifier: Apache-2.0 */
#include "container/history.h"
#include "imagepull.h"
#include "registry/push.h"
#include "service.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

struct sender {
	struct engine *engine;
	struct cleat_v1_images_push_stream *out;
	struct err *err;
};

static int send_progress(void *ctx, const char *id, const char *status, uint64_t now,
			 uint64_t total)
{
	const struct sender *s = ctx;
	Cleat__V1__PushImageReply reply = CLEAT__V1__PUSH_IMAGE_REPLY__INIT;
	Cleat__V1__Progress progress = CLEAT__V1__PROGRESS__INIT;

	progress.id = TEXT_OF(id);
	progress.status = TEXT_OF(status);
	progress.current_bytes = now;
	progress.total_bytes = total;
	reply.message_case = CLEAT__V1__PUSH_IMAGE_REPLY__MESSAGE_PROGRESS;
	reply.progress = &progress;
	return cleat_v1_images_push_send(s->out, &reply, s->err);
}

static int send_pushed(void *ctx, const struct pushed *pushed)
{
	const struct sender *s = ctx;
	Cleat__V1__PushImageReply reply = CLEAT__V1__PUSH_IMAGE_REPLY__INIT;
	Cleat__V1__PushImageReply__Pushed message = CLEAT__V1__PUSH_IMAGE_REPLY__PUSHED__INIT;

	history_transfer(s->engine, pushed->reference, "push");
	message.reference = TEXT_OF(pushed->reference);
	message.digest = TEXT_OF(pushed->digest);
	message.size_bytes = pushed->size_bytes;
	reply.message_case = CLEAT__V1__PUSH_IMAGE_REPLY__MESSAGE_PUSHED;
	reply.pushed = &message;
	return cleat_v1_images_push_send(s->out, &reply, s->err);
}

int imagepush(struct rpc_call *call, const Cleat__V1__PushImageRequest *req,
	      struct cleat_v1_images_push_stream *out, struct err *err)
{
	struct sender sender = { service_engine(call), out, err };
	struct auth_credentials auth = { 0 };
	struct push_options options = { .reference = req->reference,
					.all_tags = req->all_tags,
					.platform = req->platform,
					.cancel_fd = rpc_call_cancel_fd(call),
					.progress = send_progress,
					.pushed = send_pushed,
					.ctx = &sender };

	if (req->auth) {
		auth = imagepull_auth(req->auth);
		options.auth = &auth;
	}
	return image_push(service_engine(call), &options, err);
}
