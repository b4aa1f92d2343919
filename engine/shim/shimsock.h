/* SPDX-License-Identifier: Apache-2.0 */
/* Where a shim is found: RUN/shim/ID with its socket and its lock. Private to engine/shim. */
#pragma once

#include "cleat/shim/v1/shim.pb-c.h"
#include "engine.h"
#include "mem.h"

/* The directory, a descriptor to close. -errno. */
int shimsock_dir(const struct engine *engine, const char *id) must_check;
/* A nonblocking connection; -ENOTCONN when no shim listens. */
int shimsock_dial(const struct engine *engine, const char *id) must_check;

enum { SHIMSOCK_MESSAGE_MAX = 64 << 10 };

/* One request with descriptors (borrowed). 0, -EAGAIN when the socket is full, -errno. Never blocks. */
int shimsock_send(int sock, const Cleat__Shim__V1__ShimRequest *request, const int *fds,
		  size_t n_fds) must_check;
/* Asks for the events after `last_seq`; as shimsock_send(). */
int shimsock_subscribe(int sock, int64_t last_seq, bool layers) must_check;

/* Tells the shim that events up to `seq` are recorded. Never blocks, and its answer (to request 0) is nobody's. */
int shimsock_release(int sock, uint64_t seq) must_check;
