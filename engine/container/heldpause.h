/* SPDX-License-Identifier: Apache-2.0 */
/* A pause for the time of one operation of the engine. A container must not stay paused because the engine died in
 * it: what is being held so is marked by a file in the container's directory, locked by who holds it. Blocks. */
#pragma once

#include "engine.h"
#include "err.h"
#include "mem.h"
#include "record.h"

/* Pauses it if it runs. Returns a descriptor for heldpause_end(), -ENOENT without a sentence when there is nothing to
 * pause (it does not run, or is paused already), -errno. Waits for another who holds it. */
int heldpause_begin(struct engine *engine, const struct record *record, struct err *err) must_check;
/* Lets it go on; closes the descriptor. */
void heldpause_end(struct engine *engine, const struct record *record, int held);
/* Lets go on what an engine held that is no more. */
void heldpause_sweep(struct engine *engine, const struct record *record);
