/* SPDX-License-Identifier: Apache-2.0 */
#include "imagelook.h"

#include <errno.h>
#include <string.h>

#include "imagepull.h"
#include "registry/look.h"
#include "service.h"

static Cleat__V1__Platform *platform_message(const struct platform *p)
{
	Cleat__V1__Platform *out = malloc(sizeof(*out));

	if (!out)
		return NULL;
	cleat__v1__platform__init(out);
	out->os = strdup(p->os);
	out->architecture = strdup(p->architecture);
	out->variant = strdup(p->variant);
	if (out->os && out->architecture && out->variant)
		return out;
	cleat__v1__platform__free_unpacked(out, NULL);
	return NULL;
}

static int fill(const struct looked *looked, Cleat__V1__RemoteImage *reply)
{
	reply->size_bytes = looked->size_bytes;
	reply->digest = strdup(looked->digest);
	reply->media_type = strdup(looked->media_type);
	reply->platforms = calloc(looked->n + 1, sizeof(*reply->platforms));
	if (!reply->digest || !reply->media_type || !reply->platforms)
		return -ENOMEM;
	for (size_t i = 0; i < looked->n; i++) {
		reply->platforms[i] = platform_message(&looked->platforms[i]);
		if (!reply->platforms[i])
			return -ENOMEM;
		reply->n_platforms++;
	}
	return 0;
}

int imagelook(struct rpc_call *call, const Cleat__V1__InspectRemoteImageRequest *req,
	      Cleat__V1__RemoteImage *reply, struct err *err)
{
	cleanup(looked_deinit) struct looked looked = { 0 };
	struct auth_credentials auth = { 0 };
	struct pull_options options = { .reference = req->reference,
					.cancel_fd = rpc_call_cancel_fd(call) };

	if (req->auth) {
		auth = imagepull_auth(req->auth);
		options.auth = &auth;
	}
	int r = registry_look(service_engine(call), &options, &looked, err);

	if (r == 0 && fill(&looked, reply) < 0)
		return err_sys(err, ENOMEM, "inspect a remote image");
	return r;
}
