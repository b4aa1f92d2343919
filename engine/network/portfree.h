/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a port of the host is free: of other containers', which the store knows, and of processes', which is found by
 * trying. */
#pragma once

#include <stdint.h>

#include "addr.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* Within the transaction that records the port. 0 = it is free; -EBUSY = it is taken, with *err (which may be NULL)
 * ERR_PRECONDITION, reason PORT_IN_USE, naming by whom. Blocks on the store, and to find a name on /proc. */
int portfree_check(struct engine *engine, const char *protocol, const struct addr *host,
		   uint16_t port, struct err *err) must_check;
