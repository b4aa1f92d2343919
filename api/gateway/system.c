/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's /_ping, /version, /info, /events, the description of our own API, and what swarm's clients are told. */
#include <errno.h>
#include <string.h>

#include "cleat/v1/system.pb-c.h"
#include "exchange.h"
#include "fd.h"
#include "gwmetrics.h"
#include "listjson.h"
#include "openapi.h"
#include "str.h"

void gw_ping(struct gw *gw)
{
	gw->http->type = "text/plain; charset=utf-8";
	buf_puts(&gw->http->reply, "OK");
}

void gw_openapi(struct gw *gw)
{
	buf_puts(&gw->http->reply, cleat_v1_openapi);
}

static json_t *version_json(const Cleat__V1__VersionReply *v)
{
	json_t *details =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "ApiVersion", "1.48", "MinAPIVersion",
			  "1.24", "Os", v->os, "Arch", v->architecture, "KernelVersion", v->kernel);

	return json_pack("{s:{s:s}, s:[{s:s, s:s, s:o}], s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
			 "Platform", "Name", "cleat", "Components", "Name", "Engine", "Version",
			 v->version, "Details", details, "Version", v->version, "ApiVersion",
			 "1.48", "MinAPIVersion", "1.24", "GitCommit", v->git_commit, "Os", v->os,
			 "Arch", v->architecture, "KernelVersion", v->kernel, "BuildTime",
			 v->build_time);
}

void gw_version(struct gw *gw)
{
	Cleat__V1__VersionRequest request = CLEAT__V1__VERSION_REQUEST__INIT;
	Cleat__V1__VersionReply *reply = NULL;
	struct err err = ERR_NULL;

	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200, version_json(reply));
	cleat__v1__version_reply__free_unpacked(reply, NULL);
}

void gw_info(struct gw *gw)
{
	Cleat__V1__InfoRequest request = CLEAT__V1__INFO_REQUEST__INIT;
	Cleat__V1__InfoReply *reply = NULL;
	struct err err = ERR_NULL;

	if (gw_call(gw, &request, &reply, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	gw_json(gw, 200, listjson_info(reply));
	cleat__v1__info_reply__free_unpacked(reply, NULL);
}

/* One opening of the stream; the sequence seen last is kept for the next. */
static int events_once(struct gw *gw, Cleat__V1__EventsRequest *request, int64_t *since_ns,
		       struct err *err)
{
	cleanup(rpc_client_call_closep) struct rpc_client_call *call = NULL;
	int r = gw_open(gw, &request->base, &call, err);

	while (r == 0) {
		Cleat__V1__Event *event = NULL;
		int n = gw_recv(gw, call, &event, err);

		if (n <= 0)
			return n;
		*since_ns = 0;
		request->resume_case = CLEAT__V1__EVENTS_REQUEST__RESUME_RESUME_SEQUENCE;
		request->resume_sequence = event->sequence;
		r = gw_send_json(gw, listjson_event(event));
		cleat__v1__event__free_unpacked(event, NULL);
	}
	return r;
}

static int read_time(const struct gw *gw, const char *name, int64_t *ns, struct err *err)
{
	const char *text = http_query(gw->http, name);

	if (*text && str_time_ns(text, fd_realtime_ns(), ns) < 0)
		return err_set(err, ERR_INVALID, "invalid value for \"%s\": \"%.60s\"", name, text);
	if (*text && *ns == 0)
		*ns = 1; /* 1970 is a time; 0 is none */
	return 0;
}

void gw_events(struct gw *gw)
{
	Cleat__V1__EventsRequest request = CLEAT__V1__EVENTS_REQUEST__INIT;
	int64_t since_ns = 0;
	struct err err = ERR_NULL;
	int r;

	/* From the head on, also when the engine is asked after it has gone out. */
	request.since_ns = fd_realtime_ns();
	r = read_time(gw, "since", &request.since_ns, &err);
	r = r ? r : read_time(gw, "until", &request.until_ns, &err);
	r = r ? r : gw_filters(gw, &request.filters, &request.n_filters, &err);
	if (r < 0) {
		gw_fail(gw, &err);
		return;
	}
	/* Headers at once: clients wait for them before they do what causes events. */
	http_begin(gw->http, 200, "application/json");
	gw->streaming = true;
	do {
		err = ERR_NULL;
		r = events_once(gw, &request, &since_ns, &err);
	} while (r < 0 && r != -EPIPE && gw_again(gw, &err, &since_ns));
	if (r < 0 && r != -EPIPE)
		gw_fail(gw, &err);
	filtersjson_free(request.filters, request.n_filters);
}

void gw_no_swarm(struct gw *gw)
{
	gw_json(gw, 503,
		json_pack("{s:s}", "message",
			  "This node is not a swarm manager. Use \"docker swarm init\" or \"docker "
			  "swarm join\" to connect this node to swarm and try again."));
}

void gw_no_plugins(struct gw *gw)
{
	gw_json(gw, 200, json_array());
}

void gw_unbuilt(struct gw *gw)
{
	struct err err = ERR_NULL;

	(void)err_set(&err, ERR_UNIMPLEMENTED, "%s %.100s: not supported by this release",
		      gw->http->method, gw->http->path);
	gw_fail(gw, &err);
}
