/* SPDX-License-Identifier: Apache-2.0 */
/* Each request at work has a connection of its own, so that the client's own retrying carries a call over a restart
 * of the engine. */
#include "gateway.h"

#include <string.h>

#include "accesslog.h"
#include "exchange.h"
#include "gwmetrics.h"
#include "routes.h"
#include "str.h"

/* How the route of a request is served; 0 for one of Connect's, ROUTE_QUICK for one that is an error. */
static int serve(const char *method, const char *path)
{
	struct route_match match;
	const struct gw_route *route;

	if (str_has_prefix(path, "/cleat.v1."))
		return 0;
	if (route_version(&path, &match, NULL) < 0)
		return ROUTE_QUICK;
	route = routes_find(method, path, &match);
	return route ? route->serve : ROUTE_QUICK;
}

bool gateway_streams_body(const char *method, const char *path)
{
	return serve(method, path) == ROUTE_BODY;
}

bool gateway_is_quick(const char *method, const char *path)
{
	return serve(method, path) == ROUTE_QUICK;
}

bool gateway_is_shared(const char *method, const char *path)
{
	return serve(method, path) == ROUTE_SHARED;
}

void gateway_ended(const struct http_request *request, const struct http_outcome *outcome)
{
	accesslog_write(request, outcome);
	gwmetrics_request(request, outcome);
}

static int find(struct gw *gw, struct err *err)
{
	const char *path = gw->http->path;
	int r = route_version(&path, &gw->match, err);

	if (r < 0)
		return r;
	gw->route = routes_find(gw->http->method, path, &gw->match);
	if (!gw->route)
		return err_set(err, ERR_NOT_FOUND, "page not found");
	gw->http->route = gw->route->pattern;
	/* As dockerd: 404 means that the route's object is missing. */
	if (gw->match.minor < gw->route->since)
		return err_set(err, ERR_INVALID, "%s %s requires minimum API version 1.%u",
			       gw->http->method, gw->route->pattern, gw->route->since);
	return 0;
}

static void docker(struct gw *gw)
{
	struct err err = ERR_NULL;

	if (find(gw, &err) < 0)
		gw_fail(gw, &err);
	else
		gw->route->handle(gw);
}

void gateway_handle(struct http_request *q, void *arg)
{
	struct gw gw = { .http = q, .url = arg };

	q->status = 200;
	q->type = "application/json";
	if (str_has_prefix(q->path, "/cleat.v1."))
		gw_connect(&gw);
	else
		docker(&gw);
	gw_done(&gw);
}
