/* SPDX-License-Identifier: Apache-2.0 */
/* Which name servers, search domains and options a container has instead of the host's: its own, of which there is none of
 * a kind the engine's configuration's. Pure. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "config.h"
#include "resolvconf.h"

struct dnswishes {
	struct resolvconf_wishes wishes;
	char *defaults[3][CONFIG_LIST_MAX]; /* private */
};

/* Fills *out in, which borrows from both. */
void dnswishes_of(const struct config *defaults, const Cleat__V1__ContainerConfig *config,
		  struct dnswishes *out);
