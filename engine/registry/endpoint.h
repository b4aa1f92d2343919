/* SPDX-License-Identifier: Apache-2.0 */
/* Where the registry of a name's domain is reached: its own host, and before it what the configuration
 * says mirrors it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "mem.h"

enum { ENDPOINT_TEXT_MAX = 256, ENDPOINTS_MAX = CONFIG_LIST_MAX + 1 };

struct endpoint {
	char host[ENDPOINT_TEXT_MAX]; /* host[:port]; names the folder of its certificates */
	char path[ENDPOINT_TEXT_MAX]; /* of a mirror below a path: "/team", else "" */
	bool insecure;                /* certificates are not checked, and plain HTTP will do */
	bool plain;                   /* plain HTTP is what the mirror's URL says */
	bool mirror;
};

/* In the order they are to be tried: mirrors are for docker.io alone, as Docker has it. Returns their
 * number, at least 1; the last one is the registry itself. */
size_t endpoints_find(const struct config *config, const char *domain,
		      struct endpoint out[ENDPOINTS_MAX]) must_check;
