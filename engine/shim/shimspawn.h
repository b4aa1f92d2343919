/* SPDX-License-Identifier: Apache-2.0 */
/* Starting programs from a process with threads: posix_spawn(3) only, no code between fork and
 * exec. */
#pragma once

#include <sys/types.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

/* Starts cleat-shim for container `id` with `listen_fd` (borrowed) as its descriptor 3 and what
 * shimkeep_hand_over() gave (borrowed, -1 = nothing) as its descriptor 4, in a session of its own, its
 * stderr in RUN/shim/ID/log. Returns its pid; the caller reaps it.
 * -errno with *err when it cannot be started at all. Does not wait for it. */
pid_t shimspawn(const struct engine *engine, const char *id, int listen_fd, int kept_fd,
		struct err *err) must_check;

enum { SHIMSPAWN_WHY_MAX = 100 };
/* Why a shim ended, from the last line of its log: ": No space left on device", "" when that does not tell. Blocks
 * on the file system only. */
void shimspawn_why(const struct engine *engine, const char *id, char why[SHIMSPAWN_WHY_MAX]);

/* What the error `r` of a call to the container's shim means, as a sentence; returns it. */
int shimspawn_gone(const struct engine *engine, const char *id, int r, struct err *err);
