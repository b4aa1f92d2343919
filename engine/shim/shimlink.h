/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the shims: one socket a container, opened when first needed, read by one thread.
 * A call from a handler's thread sends its request itself and sleeps until the reply or its deadline,
 * so a shim that does not answer holds up nobody but its own callers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleat/shim/v1/shim.pb-c.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

enum { SHIM_CALL_MS = 10000, SHIM_START_MS = 60000 };

struct shims;

struct shims_handlers {
	/* A shim's event, in the reading thread; blocks only on files. True when it is recorded: from time to
	 * time a shim is told so, and forgets its events. */
	bool (*event)(struct engine *engine, const char *id,
		      const Cleat__Shim__V1__ShimEvent *event);
	/* The shim has closed segments of the container's log; in the reading thread. */
	void (*rotated)(struct engine *engine, const char *id);
	/* Mounts of the container's layers from number `first` on (borrowed), which a shim that was
	 * spawned by another engine has; in the reading thread. */
	void (*layers)(struct engine *engine, const char *id, size_t first, const int *fds,
		       size_t n);
	/* The connection ended, in the reading thread: the shim is gone or hung up. */
	void (*lost)(struct engine *engine, const char *id);
};

/* Starts the reading thread. `engine` and `handlers` are borrowed for life. */
int shims_open(struct shims **out, struct engine *engine, const struct shims_handlers *handlers,
	       struct err *err) must_check;
/* Stops the thread and closes all connections; shims are not affected. NULL is fine. */
struct shims *shims_free(struct shims *shims);

/* Makes sure that there is a connection, subscribed from the event after `last_seq`. -ENOTCONN
 * without a sentence when no shim listens; never blocks. */
int shims_connect(struct shims *shims, const char *id, int64_t last_seq) must_check;

/* Spawns a shim for the container on a fresh socket, gives it what is its own (borrowed) and connects to it. The
 * caller holds the container's lock and knows that none lives. */
struct shimgift;
int shims_spawn(struct shims *shims, const char *id, int64_t last_seq, const struct shimgift *gift,
		struct err *err) must_check;

/* Sends `request` (its id is set here) with descriptors (borrowed) and waits for the reply. Connects
 * if needed. 0 with the reply owned in *reply (NULL: not wanted), or -errno: the shim's own error
 * with its sentence, -ENOTCONN (reason SHIM_GONE) when there is no shim, -ETIMEDOUT when it does not
 * answer within timeout_ms. */
int shims_call(struct shims *shims, const char *id, Cleat__Shim__V1__ShimRequest *request,
	       const int *fds, size_t n_fds, int64_t timeout_ms, Cleat__Shim__V1__ShimReply **reply,
	       struct err *err) must_check;

/* Whether a live shim holds the container's shim lock. Never blocks. */
bool shims_alive(const struct engine *engine, const char *id);

/* Closes the connection if there is one, without a call of `lost`, and all that is kept of the
 * container. */
void shims_forget(struct shims *shims, const char *id);
