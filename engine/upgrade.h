/* SPDX-License-Identifier: Apache-2.0 */
/* Handing over to another engine: it is started beside this one, takes the public link and says so;
 * then this one drains and ends. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine.h"
#include "err.h"
#include "mem.h"

/* Starts `binary` (absolute) with this engine's directories and waits until it serves. Returns its
 * pid; -ENOENT, or -EBUSY with reason UPGRADE_FAILED, with this engine serving on. Blocks. */
pid_t upgrade_start(struct engine *engine, const char *binary, struct err *err) must_check;

/* Makes main's wait end: it drains and leaves. Thread-safe, never blocks. */
void upgrade_leave(struct engine *engine);

/* Tells the engine that started this one, and systemd, that this one serves. */
void upgrade_ready(bool replaces);
