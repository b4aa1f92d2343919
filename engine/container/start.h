/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a container for a user, and what follows when that fails. */
#pragma once

#include <stdbool.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

/* lifecycle_start(); a container that goes with its end (--rm) also goes when it could not be
 * started, but for UNAVAILABLE, after which the call is repeated. *err is that of the start. Blocks. */
int start_container(struct engine *engine, const char *reference, const char *key, bool *already,
		    struct err *err) must_check;
