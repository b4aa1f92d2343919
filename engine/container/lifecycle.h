/* SPDX-License-Identifier: Apache-2.0 */
/* What users do to an existing container. `reference` is an id, a prefix or a name. `key` names the call
 * for all its repetitions ("" = it has none): one that was carried out is success at once. A change is made
 * under the container's lock (its file `lock`), which excludes other threads and other engines; what
 * only asks the shim takes no lock, as the shim is the one that knows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"
#include "status.h"

/* Descriptors that end a wait when readable; -1 = none. */
struct interrupt {
	int cancel_fd; /* -> -ECANCELED */
	int move_fd;   /* -> UNAVAILABLE, reason MOVED */
};
#define INTERRUPT_NONE ((struct interrupt){ -1, -1 })

/* 0, or NOT_RUNNING's, EXEC_NOT_FOUND's ... errors of the shim. *already: it ran before. */
int lifecycle_start(struct engine *engine, const char *reference, const char *key, bool *already,
		    struct err *err) must_check;
/* Signal 0 = the container's; timeout_ms -1 = never kill, -2 = the container's. Blocks until it has
 * ended or `interrupt`. *was_stopped: it did not run. */
int lifecycle_stop(struct engine *engine, const char *reference, const char *key, int signal,
		   int64_t timeout_ms, struct interrupt interrupt, bool *was_stopped,
		   struct err *err) must_check;
/* -EBUSY with reason NOT_RUNNING when it does not run. */
int lifecycle_kill(struct engine *engine, const char *reference, const char *key, int signal,
		   struct err *err) must_check;
int lifecycle_pause(struct engine *engine, const char *reference, const char *key, bool pause,
		    struct err *err) must_check;
int lifecycle_resize(struct engine *engine, const char *reference, uint32_t rows, uint32_t columns,
		     struct err *err) must_check;
int lifecycle_rename(struct engine *engine, const char *reference, const char *key,
		     const char *name, struct err *err) must_check;

enum lifecycle_until { UNTIL_STOPPED, UNTIL_NEXT_EXIT, UNTIL_REMOVED };
/* Waits; `exits` is the count an exit must exceed for UNTIL_NEXT_EXIT. The last known status is in
 * *status. Blocks. */
int lifecycle_wait(struct engine *engine, const struct record *record, enum lifecycle_until until,
		   uint64_t exits, int64_t timeout_ms, struct interrupt interrupt,
		   struct status *status, struct err *err) must_check;

/* With the container's lock held: a shim is connected, spawned if there was none. */
int lifecycle_ensure_shim(struct engine *engine, const struct record *record,
			  struct err *err) must_check;
/* The runtime is at work on a start, or was when its shim died: there is more of the container than its status tells. */
bool lifecycle_half_started(const struct engine *engine, const char *id);

/* A shim is connected; one that died is replaced under the lock, which adopts what runs. Without the
 * lock. Blocks on who holds it. */
int lifecycle_reach(struct engine *engine, const struct record *record, struct err *err) must_check;
/* The lock; a descriptor, -ENOENT with CONTAINER_NOT_FOUND when the container is gone. Blocks. */
int lifecycle_lock(const struct engine *engine, const char *id, struct err *err) must_check;
/* With the lock held, of a container that has no row any more: whoever waits for it finds it gone. */
void lifecycle_end_lock(const struct engine *engine, const char *id);

/* Signal number of a name with or without SIG, or of a number; -EINVAL with a sentence. Pure. */
int lifecycle_signal(const char *text, int *signal, struct err *err) must_check;
