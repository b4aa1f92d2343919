/* SPDX-License-Identifier: Apache-2.0 */
/* Shims are the engine's children until they have detached; each is reaped when its pidfd says so. Not
 * thread-safe: the caller's lock covers _add and _watch, the rest is the loop's thread. */
#pragma once

#include <sys/types.h>

#include "list.h"
#include "loop.h"
#include "mem.h"

struct shimchildren {
	struct list fresh, watched;
};

void shimchildren_init(struct shimchildren *children);
/* Forgets all; what has ended is reaped. */
void shimchildren_deinit(struct shimchildren *children);
/* A child that was just spawned. 0 or -errno. */
int shimchildren_add(struct shimchildren *children, pid_t pid) must_check;
/* Watches in `loop` what was added since. */
void shimchildren_watch(struct shimchildren *children, struct loop *loop);
