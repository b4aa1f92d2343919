/* SPDX-License-Identifier: Apache-2.0 */
#include "imagepull.h"

#include <stdio.h>

#include "container/history.h"
#include "reference.h"
#include "registry/pull.h"
#include "service.h"
#include "str.h"

#define TEXT_OF(s) ((char *)(uintptr_t)(s))

struct sender {
	struct engine *engine;
	struct cleat_v1_images_pull_stream *out;
	struct err *err;
	bool all_tags;
};

static int send_progress(void *ctx, const char *id, const char *status, uint64_t now,
			 uint64_t total)
{
	const struct sender *s = ctx;
	Cleat__V1__PullImageReply reply = CLEAT__V1__PULL_IMAGE_REPLY__INIT;
	Cleat__V1__Progress progress = CLEAT__V1__PROGRESS__INIT;

	progress.id = TEXT_OF(id);
	progress.status = TEXT_OF(status);
	progress.current_bytes = now;
	progress.total_bytes = total;
	reply.message_case = CLEAT__V1__PULL_IMAGE_REPLY__MESSAGE_PROGRESS;
	reply.progress = &progress;
	return cleat_v1_images_pull_send(s->out, &reply, s->err);
}

static int send_pulled(void *ctx, const struct pulled *pulled)
{
	const struct sender *s = ctx;
	Cleat__V1__PullImageReply reply = CLEAT__V1__PULL_IMAGE_REPLY__INIT;
	Cleat__V1__PullImageReply__Pulled message = CLEAT__V1__PULL_IMAGE_REPLY__PULLED__INIT;

	if (!s->all_tags)
		history_transfer(s->engine, pulled->reference, "pull");
	message.image_id = TEXT_OF(pulled->image_id);
	message.reference = TEXT_OF(pulled->reference);
	message.digest = TEXT_OF(pulled->digest);
	message.was_current = pulled->was_current;
	reply.message_case = CLEAT__V1__PULL_IMAGE_REPLY__MESSAGE_PULLED;
	reply.pulled = &message;
	return cleat_v1_images_pull_send(s->out, &reply, s->err);
}

struct auth_credentials imagepull_auth(const Cleat__V1__RegistryAuth *auth)
{
	return (struct auth_credentials){ auth->username, auth->password, auth->identity_token,
					  auth->registry_token };
}

/* As Docker tells it: once for all of them, by the repository's name. */
static void tell_all_pulled(struct engine *engine, const char *reference)
{
	char full[REFERENCE_MAX], name[REFERENCE_MAX];
	struct reference ref;

	if (reference_parse(reference, &ref, NULL) < 0)
		return;
	reference_full(&ref, full);
	reference_repository(full, name);
	history_transfer(engine, name, "pull");
}

int imagepull(struct rpc_call *call, const Cleat__V1__PullImageRequest *req,
	      struct cleat_v1_images_pull_stream *out, struct err *err)
{
	struct sender sender = { service_engine(call), out, err, req->all_tags };
	struct platform platform = { 0 };
	struct auth_credentials auth = { 0 };
	struct pull_options options = { .reference = req->reference,
					.all_tags = req->all_tags,
					.cancel_fd = rpc_call_cancel_fd(call),
					.progress = send_progress,
					.pulled = send_pulled,
					.ctx = &sender };

	if (req->auth) {
		auth = imagepull_auth(req->auth);
		options.auth = &auth;
	}
	if (req->platform && req->platform->os[0]) {
		snprintf(platform.os, sizeof(platform.os), "%s", req->platform->os);
		snprintf(platform.architecture, sizeof(platform.architecture), "%s",
			 req->platform->architecture);
		snprintf(platform.variant, sizeof(platform.variant), "%s", req->platform->variant);
		options.platform = &platform;
	}
	int r = image_pull(sender.engine, &options, err);

	if (r == 0 && req->all_tags)
		tell_all_pulled(sender.engine, req->reference);
	return r;
}
