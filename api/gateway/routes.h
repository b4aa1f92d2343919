/* SPDX-License-Identifier: Apache-2.0 */
/* The table of Docker's routes (routes.def) and a handler for each. Private to the gateway. */
#pragma once

#include "route.h"

struct gw;

enum {
	ROUTE_QUICK = 1, /* the handler waits for nothing */
	ROUTE_SHARED,    /* equal requests that wait together get one answer */
	ROUTE_BODY,      /* the handler reads the body itself, as it comes */
};

struct gw_route {
	const char *method, *pattern;
	unsigned since;
	const char *rpc; /* "cleat.v1.Service/Method"; "" = none */
	void (*handle)(struct gw *gw);
	int serve;
};

#define ROUTE(method, path, since, rpc, handler, serve) void handler(struct gw *gw);
#include "routes.def"
#undef ROUTE

extern const struct gw_route routes[];
extern const size_t routes_n;

/* The row of `path`, which names no version any more, with match->param set; NULL = there is none. */
const struct gw_route *routes_find(const char *method, const char *path, struct route_match *match);
