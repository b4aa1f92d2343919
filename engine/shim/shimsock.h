/* SPDX-License-Identifier: Apache-2.0 */
/* Where a shim is found: RUN/shim/ID with its socket and its lock. Private to engine/shim. */
#pragma once

#include "engine.h"
#include "mem.h"

/* The directory, a descriptor to close. -errno. */
int shimsock_dir(const struct engine *engine, const char *id) must_check;
/* A nonblocking connection; -ENOTCONN when no shim listens. */
int shimsock_dial(const struct engine *engine, const char *id) must_check;
