/* SPDX-License-Identifier: Apache-2.0 */
/* POST /images/load. The archive goes to the engine as it comes: the call's window holds up this thread, and
 * what is not read of the body holds up the client. As with dockerd the status is always 200, and an error
 * is an object of the stream. */
#include <errno.h>

#include "cleat/v1/images.pb-c.h"
#include "exchange.h"

static int send_part(struct rpc_client_call *call, const void *data, size_t n, struct err *err)
{
	Cleat__V1__LoadImageRequest part = CLEAT__V1__LOAD_IMAGE_REQUEST__INIT;

	part.message_case = CLEAT__V1__LOAD_IMAGE_REQUEST__MESSAGE_DATA;
	part.data.data = (uint8_t *)(uintptr_t)data;
	part.data.len = n;
	return rpc_client_call_send(call, &part.base, err);
}

static int tell_loaded(struct gw *gw, const Cleat__V1__LoadImageReply *reply)
{
	const Cleat__V1__LoadImageReply__Loaded *l = reply->loaded;
	int r = 0;

	if (reply->message_case != CLEAT__V1__LOAD_IMAGE_REPLY__MESSAGE_LOADED)
		return 0;
	if (l->n_tags == 0)
		return gw_send_json(gw,
				    json_pack("{s:o}", "stream",
					      json_sprintf("Loaded image ID: %s\n", l->image_id)));
	for (size_t i = 0; r == 0 && i < l->n_tags; i++)
		r = gw_send_json(gw, json_pack("{s:o}", "stream",
					       json_sprintf("Loaded image: %s\n", l->tags[i])));
	return r;
}

static int run(struct gw *gw, struct err *err)
{
	Cleat__V1__LoadImageRequest first = CLEAT__V1__LOAD_IMAGE_REQUEST__INIT;
	Cleat__V1__LoadImageRequest__Options options = CLEAT__V1__LOAD_IMAGE_REQUEST__OPTIONS__INIT;
	Cleat__V1__Platform platform = CLEAT__V1__PLATFORM__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	cleanup(json_decrefp) json_t *given = NULL;
	int r = gw_json_platform(gw, &given, &platform, err);

	options.platform = r > 0 ? &platform : NULL;
	options.quiet = true; /* progress could be told only after the body */
	first.message_case = CLEAT__V1__LOAD_IMAGE_REQUEST__MESSAGE_OPTIONS;
	first.options = &options;
	if (r >= 0)
		r = gw_open(gw, &first.base, &call, err);
	r = r ? r : gw_send_body(gw, call, send_part, err);
	while (r == 0) {
		Cleat__V1__LoadImageReply *reply = NULL;
		int n = gw_recv(gw, call, &reply, err);

		if (n <= 0)
			return n;
		r = tell_loaded(gw, reply);
		cleat__v1__load_image_reply__free_unpacked(reply, NULL);
	}
	return r;
}

void gw_load(struct gw *gw)
{
	struct err err = ERR_NULL;
	int r = run(gw, &err);

	if (!gw->streaming)
		http_begin(gw->http, 200, "application/json");
	gw->streaming = true;
	if (r < 0 && r != -EPIPE)
		gw_fail(gw, &err);
}
