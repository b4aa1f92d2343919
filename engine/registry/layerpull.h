/* SPDX-License-Identifier: Apache-2.0 */
/* One layer of a pull: its blob is fetched into a file, and what has come of it goes to a worker that unpacks
 * it, at the same time. Each in a lease of its own. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "distribution.h"
#include "engine.h"
#include "err.h"
#include "growing.h"
#include "lease.h"
#include "mem.h"
#include "registry.h"

enum layer_state {
	LAYER_WAITING,
	LAYER_DOWNLOADING,
	LAYER_EXTRACTING,
	LAYER_DONE,
	LAYER_EXISTS,
};

struct layer_pull {
	const struct descriptor *blob;
	const char *diff; /* 64 digits, as the config promises it */
	_Atomic int state;
	struct growing bytes;
	_Atomic uint64_t unpacked_from; /* bytes of the blob the worker was given */
	struct lease lease;
	uint64_t size_bytes; /* of its files */
};

void layer_pull_init(struct layer_pull *l, const struct descriptor *blob, const char *diff);
void layer_pull_deinit(struct layer_pull *l);

/* Bytes of the blob that an earlier try has not left here. */
uint64_t layer_pull_missing(const struct layer_pull *l, const struct engine *engine);

/* Blocks until the layer is unpacked in the lease and on disk, or was found here (LAYER_EXISTS, no lease).
 * Whatever fails, nothing is visible. */
int layer_pull_run(struct layer_pull *l, struct engine *engine, struct registry *registry,
		   struct transfer *transfer, struct err *err) must_check;
