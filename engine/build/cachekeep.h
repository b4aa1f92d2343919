/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the build cache a prune leaves: what was used last, up to so many bytes. */
#pragma once

#include "cache.h"
#include "engine.h"
#include "err.h"
#include "mem.h"

/* Narrows what `prune` would remove, of steps, cache mounts and contexts' files alike: prune->until_ns becomes a time
 * such that what was used last then or later has no more than keep_bytes together. What the prune spares anyhow does
 * not count. Blocks on the store and on the file system. */
int cachekeep_narrow(struct engine *engine, struct cache_prune *prune, uint64_t keep_bytes,
		     struct err *err) must_check;
