/* SPDX-License-Identifier: Apache-2.0 */
/* POST /build, the classic builder's: the context as the body, what is to be done with it in the query. The
 * answer is a stream of objects in which clients look for the classic builder's words: "Step 1/2 : ...",
 * "Successfully built ...". As with loading, it begins when all of the context has come. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buildquery.h"
#include "cleat/v1/images.pb-c.h"
#include "exchange.h"
#include "str.h"

enum { PART_BYTES = 64 << 10, ANY_TEXT = JSON_DECODE_ANY | JSON_ALLOW_NUL };

typedef Cleat__V1__BuildRequest__Options options;

/* ---- the context */

static int send_piece(struct rpc_client_call *call, const struct buf *piece, struct err *err)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < piece->len; at += PART_BYTES) {
		Cleat__V1__BuildRequest part = CLEAT__V1__BUILD_REQUEST__INIT;
		size_t left = piece->len - at;

		part.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_DATA;
		part.data.data = (uint8_t *)piece->data + at;
		part.data.len = left < PART_BYTES ? left : PART_BYTES;
		r = rpc_client_call_send(call, &part.base, err);
	}
	return r;
}

/* To the body's end, or to the call's, whose first message tells why. */
static int send_context(struct gw *gw, struct rpc_client_call *call, struct err *err)
{
	cleanup(buf_deinit) struct buf piece = BUF_NULL;
	int n, r;

	while ((n = http_read(gw->http, &piece)) > 0) {
		r = send_piece(call, &piece, err);
		if (r < 0)
			return r == -EPIPE ? 0 : r;
	}
	return n < 0 ? n : rpc_client_call_end(call, err);
}

/* ---- the answer */

static int tell(struct gw *gw, const char *text, size_t n)
{
	cleanup(buf_deinit) struct buf quoted = BUF_NULL;

	buf_json_string(&quoted, text,
			n); /* commands print anything, and jansson takes UTF-8 alone */
	json_t *line = quoted.error ? NULL : json_loadb(quoted.data, quoted.len, ANY_TEXT, NULL);

	return gw_send_json(gw, json_pack("{s:o}", "stream", line));
}

/* "[name 1/2] RUN x" is "Step 1/2 : RUN x". */
static int tell_step(struct gw *gw, const char *title)
{
	const char *end = strchr(title, ']'), *from = title + 1;
	cleanup_free char *text = NULL;

	if (title[0] != '[' || !end)
		return 0;
	for (const char *p = from; p < end; p++)
		if (*p == ' ')
			from = p + 1;
	text = str_printf("Step %.*s : %s\n", (int)(end - from), from, end + 1 + (end[1] == ' '));
	return text ? tell(gw, text, strlen(text)) : 0;
}

static int tell_reply(struct gw *gw, const Cleat__V1__BuildReply *m)
{
	static const char cached[] = " ---> Using cache\n";

	if (m->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_PROGRESS) {
		if (strcmp(m->progress->status, "BEGIN") == 0)
			return tell_step(gw, m->progress->id);
		return strcmp(m->progress->status, "CACHED") == 0 ? tell(gw, cached, strlen(cached))
								  : 0;
	}
	if (m->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_OUTPUT &&
	    strcmp(m->output->step, "exporting to image") != 0)
		return tell(gw, (const char *)m->output->data.data, m->output->data.len);
	return 0;
}

static int tell_built(struct gw *gw, const char *id, const options *o, bool quiet)
{
	cleanup_free char *text =
		quiet ? str_printf("%s\n", id) : str_printf("Successfully built %.12s\n", id + 7);
	int r = gw_send_json(gw, json_pack("{s:{s:s}}", "aux", "ID", id));

	r = r || !text ? r : tell(gw, text, strlen(text));
	for (size_t i = 0; r == 0 && !quiet && i < o->n_tags; i++) {
		const char *colon = strrchr(o->tags[i], ':');
		bool tagged = colon && !strchr(colon, '/');
		cleanup_free char *line = str_printf("Successfully tagged %s%s\n", o->tags[i],
						     tagged ? "" : ":latest");

		r = line ? tell(gw, line, strlen(line)) : 0;
	}
	return r;
}

static int follow(struct gw *gw, struct rpc_client_call *call, const options *o, bool quiet,
		  struct err *err)
{
	int r = 0;

	while (r == 0) {
		Cleat__V1__BuildReply *reply = NULL;
		int n = gw_recv(gw, call, &reply, err);

		if (n <= 0)
			return n;
		if (reply->message_case == CLEAT__V1__BUILD_REPLY__MESSAGE_IMAGE_ID)
			r = tell_built(gw, reply->image_id, o, quiet);
		else if (!quiet)
			r = tell_reply(gw, reply);
		cleat__v1__build_reply__free_unpacked(reply, NULL);
	}
	return r;
}

static int run(struct gw *gw, options *o, struct err *err)
{
	Cleat__V1__BuildRequest first = CLEAT__V1__BUILD_REQUEST__INIT;
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	bool quiet = gw_query_bool(gw, "q");
	int r = buildquery_read(gw, o, err);

	if (r < 0)
		return r;
	first.message_case = CLEAT__V1__BUILD_REQUEST__MESSAGE_OPTIONS;
	first.options = o;
	r = gw_open(gw, &first.base, &call, err);
	r = r ? r : send_context(gw, call, err);
	return r ? r : follow(gw, call, o, quiet, err);
}

static options *new_options(void)
{
	options *o = malloc(sizeof(*o));

	if (o)
		cleat__v1__build_request__options__init(o);
	return o;
}

void gw_build(struct gw *gw)
{
	options *o = new_options();
	struct err err = ERR_NULL;
	int r = o ? run(gw, o, &err) : err_sys(&err, ENOMEM, "build");

	if (o)
		protobuf_c_message_free_unpacked(&o->base, NULL);
	if (r == -EPIPE && err.code == 0)
		return;
	if (r < 0)
		gw_fail(gw, &err);
}

void gw_prune_build(struct gw *gw)
{
	Cleat__V1__PruneBuildCacheRequest request = CLEAT__V1__PRUNE_BUILD_CACHE_REQUEST__INIT;
	Cleat__V1__PruneBuildCacheReply *reply = NULL;
	struct err err = ERR_NULL;
	json_t *ids = json_array();
	const char *keep = http_query(gw->http, "keep-storage");
	int r = gw_filters(gw, &request.filters, &request.n_filters, &err);

	request.all = gw_query_bool(gw, "all");
	if (r == 0 && keep[0] && str_u64(keep, &request.keep_bytes) < 0)
		r = err_set(&err, ERR_INVALID, "query parameter keep-storage: \"%.40s\" is no size",
			    keep);
	r = r ? r : gw_call(gw, &request, &reply, &err);
	filtersjson_free(request.filters, request.n_filters);
	if (r < 0) {
		json_decref(ids);
		gw_fail(gw, &err);
		return;
	}
	for (size_t i = 0; i < reply->n_ids; i++)
		json_array_append_new(ids, json_string(reply->ids[i]));
	gw_json(gw, 200,
		json_pack("{s:o, s:I}", "CachesDeleted", ids, "SpaceReclaimed",
			  (json_int_t)reply->reclaimed_bytes));
	cleat__v1__prune_build_cache_reply__free_unpacked(reply, NULL);
}
