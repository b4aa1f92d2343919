/* SPDX-License-Identifier: Apache-2.0 */
/* Each request at work has a connection of its own, so that the client's own retrying carries a call over a restart
 * of the engine. */
#include "gateway.h"

#include <string.h>

#include "accesslog.h"
#include "exchange.h"
#include "gwmetrics.h"
#include "str.h"

static const struct gw_route *const resources[] = { gw_system, gw_containers, gw_exec,
						    gw_images, gw_networks,   gw_volumes,
						    gw_unbuilt };

static const struct gw_route *find(const char *method, const char *path, struct route_match *match)
{
	for (size_t i = 0; i < ARRAY_LEN(resources); i++)
		for (const struct gw_route *r = resources[i]; r->method; r++)
			if ((r->method[0] == '*' || !strcmp(r->method, method)) &&
			    route_matches(r->pattern, path, match))
				return r;
	return NULL;
}

bool gateway_streams_body(const char *method, const char *path)
{
	struct route_match match;
	const struct gw_route *route =
		route_version(&path, &match, NULL) < 0 ? NULL : find(method, path, &match);

	return route && (route->handle == gw_load || route->handle == gw_build ||
			 route->handle == gw_put_archive || route->handle == gw_create_image);
}

bool gateway_is_quick(const char *method, const char *path)
{
	struct route_match match;
	const struct gw_route *route;

	if (str_has_prefix(path, "/cleat.v1."))
		return false;
	if (route_version(&path, &match, NULL) < 0)
		return true; /* an error */
	route = find(method, path, &match);
	return !route || gw_is_quick(route);
}

bool gateway_is_shared(const char *method, const char *path)
{
	static const char *const lists[] = { "/containers/json", "/images/json", "/networks",
					     "/volumes",         "/info",        "/version" };
	struct route_match match;

	if (strcmp(method, "GET") != 0 || route_version(&path, &match, NULL) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (strcmp(path, lists[i]) == 0)
			return true;
	return false;
}

void gateway_ended(const struct http_request *request, const struct http_outcome *outcome)
{
	accesslog_write(request, outcome);
	gwmetrics_request(request, outcome);
}

static void docker(struct gw *gw)
{
	const char *path = gw->http->path;
	const struct gw_route *route;
	struct err err = ERR_NULL;

	if (route_version(&path, &gw->match, &err) < 0) {
		gw_fail(gw, &err);
		return;
	}
	route = find(gw->http->method, path, &gw->match);
	if (route) {
		gw->http->route = route->pattern;
		route->handle(gw);
	} else {
		gw_json(gw, 404, json_pack("{s:s}", "message", "page not found"));
	}
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
