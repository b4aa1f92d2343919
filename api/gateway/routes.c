/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

#include <string.h>

#define ROUTE(method, path, since, rpc, handler, serve) \
	{ method, path, since, sizeof(rpc) > 1 ? "cleat.v1." rpc : "", handler, serve },
const struct gw_route routes[] = {
#include "routes.def"
};
const size_t routes_n = sizeof(routes) / sizeof(routes[0]);

const struct gw_route *routes_find(const char *method, const char *path, struct route_match *match)
{
	for (size_t i = 0; i < routes_n; i++)
		if ((routes[i].method[0] == '*' || !strcmp(routes[i].method, method)) &&
		    route_matches(routes[i].pattern, path, match))
			return &routes[i];
	return NULL;
}
