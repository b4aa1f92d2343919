/* SPDX-License-Identifier: Apache-2.0 */
/* POST /images/create, which pulls or, with fromSrc, imports: the tar is the body. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/images.pb-c.h"
#include "exchange.h"
#include "platformmsg.h"
#include "str.h"

static int send_part(struct rpc_client_call *call, const void *data, size_t n, struct err *err)
{
	Cleat__V1__ImportImageRequest part = CLEAT__V1__IMPORT_IMAGE_REQUEST__INIT;

	part.message_case = CLEAT__V1__IMPORT_IMAGE_REQUEST__MESSAGE_DATA;
	part.data.data = (uint8_t *)(uintptr_t)data;
	part.data.len = n;
	return rpc_client_call_send(call, &part.base, err);
}

static int tell(struct gw *gw, struct rpc_client_call *call, struct err *err)
{
	int r = 0;

	while (r == 0) {
		Cleat__V1__ImportImageReply *reply = NULL;
		int n = gw_recv(gw, call, &reply, err);

		if (n <= 0)
			return n;
		if (reply->message_case == CLEAT__V1__IMPORT_IMAGE_REPLY__MESSAGE_IMAGE_ID)
			r = gw_send_json(gw, json_pack("{s:s}", "status", reply->image_id));
		cleat__v1__import_image_reply__free_unpacked(reply, NULL);
	}
	return r;
}

static int run(struct gw *gw, Cleat__V1__ImportImageRequest__Options *options, struct err *err)
{
	Cleat__V1__ImportImageRequest first = CLEAT__V1__IMPORT_IMAGE_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r;

	first.message_case = CLEAT__V1__IMPORT_IMAGE_REQUEST__MESSAGE_OPTIONS;
	first.options = options;
	r = gw_open_other(gw, "cleat.v1.Images/Import", &first.base, &call, err);
	r = r ? r : gw_send_body(gw, call, send_part, err);
	return r ? r : tell(gw, call, err);
}

static void import(struct gw *gw, const char *source)
{
	Cleat__V1__ImportImageRequest__Options options =
		CLEAT__V1__IMPORT_IMAGE_REQUEST__OPTIONS__INIT;
	struct platformmsg platform;
	const char *repo = http_query(gw->http, "repo"), *tag = http_query(gw->http, "tag"), *value;
	cleanup_free char *reference =
		str_printf("%s%s%s", repo, *repo && *tag ? ":" : "", *repo ? tag : "");
	struct err err = ERR_NULL;
	int r = reference ? platformmsg_read(http_query(gw->http, "platform"), &platform,
					     &options.platform, &err)
			  : err_sys(&err, ENOMEM, "import");

	for (size_t i = 0; r == 0 && (value = http_query_nth(gw->http, "changes", i)); i++) {
		char **grown = realloc(options.changes, (i + 1) * sizeof(*grown));

		if (!grown)
			r = err_sys(&err, ENOMEM, "import");
		else
			options.changes = grown,
			grown[options.n_changes++] = (char *)(uintptr_t)value;
	}
	options.reference = reference;
	options.message = (char *)(uintptr_t)http_query(gw->http, "message");
	options.url = (char *)(uintptr_t)(strcmp(source, "-") == 0 ? "" : source);
	r = r ? r : run(gw, &options, &err);
	free(options.changes);
	if (r < 0 && r != -EPIPE)
		gw_fail(gw, &err);
}

void gw_create_image(struct gw *gw)
{
	const char *source = http_query(gw->http, "fromSrc");

	if (source[0])
		import(gw, source);
	else
		gw_pull(gw);
}
