/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a container. */
#pragma once

#include <stdbool.h>

#include "engine.h"
#include "err.h"
#include "lifecycle.h"
#include "mem.h"

enum remove_how {
	REMOVE_FORCE =
		1, /* one that runs is killed first; without, it is -EBUSY (reason RUNNING) */
	REMOVE_VOLUMES = 2, /* the volumes made for it alone go, too; those of --rm always do */
};
/* `how` is of enum remove_how.
 * Blocks until it is gone; its files may take longer. `key` as for lifecycle_start(); a repetition finds -ENOENT, and requests_recall()
 * knows it. */
int remove_container(struct engine *engine, const char *reference, unsigned int how,
		     const char *key, struct interrupt interrupt, struct err *err) must_check;

/* With the lock held, or for an id without a row: files, sockets and cgroups of a container that does
 * not run, and its row; of one that was never finished also the volumes made for it. Safe to repeat at any point. */
int remove_traces(struct engine *engine, const char *id, struct err *err) must_check;
/* Undoes a create whose engine died in the midst of it. 1 = the container is gone, 0 = it is whole.
 * Without its lock; blocks on who makes it just now. */
int remove_half_made(struct engine *engine, const char *id, struct err *err) must_check;
