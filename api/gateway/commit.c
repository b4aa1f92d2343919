/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /containers/{id}/changes and /commit. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/containers.pb-c.h"
#include "createjson.h"
#include "exchange.h"
#include "str.h"

void gw_changes(struct gw *gw)
{
	Cleat__V1__DiffRequest request = CLEAT__V1__DIFF_REQUEST__INIT;
	Cleat__V1__DiffReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *array;

	request.container = gw->match.param;
	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	array = json_array();
	for (size_t i = 0; i < reply->n_changes; i++) /* the kinds are Docker's numbers */
		json_array_append_new(array,
				      json_pack("{s:s, s:i}", "Path", reply->changes[i]->path,
						"Kind", (int)reply->changes[i]->kind));
	/* of nothing dockerd makes null */
	gw_json(gw, 200, reply->n_changes ? array : json_null());
	if (!reply->n_changes)
		json_decref(array);
	cleat__v1__diff_reply__free_unpacked(reply, NULL);
}

/* The instructions: each parameter may hold several lines. */
static int read_changes(struct gw *gw, Cleat__V1__CommitRequest *request, struct err *err)
{
	const char *value;

	for (size_t i = 0; (value = http_query_nth(gw->http, "changes", i)); i++) {
		char **grown = realloc(request->changes, (request->n_changes + 1) * sizeof(*grown));

		if (!grown)
			return err_sys(err, ENOMEM, "commit");
		request->changes = grown;
		request->changes[request->n_changes++] = (char *)(uintptr_t)value;
	}
	return 0;
}

/* Docker's Config, whose fields replace the container's; NULL when there is none. */
static int read_config(struct gw *gw, Cleat__V1__CreateContainerRequest **made, struct err *err)
{
	const struct buf *body = &gw->http->body;
	json_t *config;
	int r;

	if (body->len == 0 || strncmp(body->data, "null", 4) == 0)
		return 0;
	config = gw_body(gw, err);
	r = config ? createjson_parse(config, "", made, err) : -EINVAL;
	json_decref(config);
	return r;
}

void gw_commit(struct gw *gw)
{
	Cleat__V1__CommitRequest request = CLEAT__V1__COMMIT_REQUEST__INIT;
	Cleat__V1__CreateContainerRequest *made = NULL;
	Cleat__V1__CommitReply *reply = NULL;
	const char *repo = http_query(gw->http, "repo"), *tag = http_query(gw->http, "tag");
	cleanup_free char *reference =
		str_printf("%s%s%s", repo, *repo && *tag ? ":" : "", *repo ? tag : "");
	struct err err = ERR_NULL;
	int r = read_changes(gw, &request, &err);

	r = r ? r : read_config(gw, &made, &err);
	request.container = (char *)(uintptr_t)http_query(gw->http, "container");
	request.reference = reference;
	request.comment = (char *)(uintptr_t)http_query(gw->http, "comment");
	request.author = (char *)(uintptr_t)http_query(gw->http, "author");
	request.no_pause = http_has_query(gw->http, "pause") && !gw_query_bool(gw, "pause");
	request.config = made ? made->config : NULL;
	if (r == 0 && !reference)
		r = err_sys(&err, ENOMEM, "commit");
	r = r ? r : gw_call(gw, &request, &reply, &err);
	free(request.changes);
	if (made)
		cleat__v1__create_container_request__free_unpacked(made, NULL);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 201, json_pack("{s:s}", "Id", reply->image_id));
	cleat__v1__commit_reply__free_unpacked(reply, NULL);
}
