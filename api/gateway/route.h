/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's routes: a version prefix that may be absent, a method and a path template. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"

/* API versions are 1.MINOR. */
enum { ROUTE_MINOR_MIN = 24, ROUTE_MINOR_MAX = 48, ROUTE_PARAM_MAX = 512 };

struct route_match {
	unsigned minor;              /* of the request; ROUTE_MINOR_MAX when it names none */
	char param[ROUTE_PARAM_MAX]; /* what stood for {name}; may hold '/' */
};

/* Cuts "/v1.44" off *path and sets match->minor. -EINVAL with Docker's sentence for a version that is not
 * served. */
int route_version(const char **path, struct route_match *match, struct err *err) must_check;

/* Whether `path` is of `pattern`: "/containers/{}/start". {} takes everything up to what follows it. */
bool route_matches(const char *pattern, const char *path, struct route_match *match);
