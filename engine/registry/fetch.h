/* SPDX-License-Identifier: Apache-2.0 */
/* One blob from a registry into its part below STATE/tmp/partial: verified, on disk, and resumed wherever it was
 * cut off, also in an earlier try. A blob that is in the store already is not fetched. */
#pragma once

#include "distribution.h"
#include "engine.h"
#include "err.h"
#include "growing.h"
#include "mem.h"
#include "registry.h"

struct fetch {
	struct engine *engine;
	struct registry *registry;
	struct transfer *transfer;
	const struct descriptor *blob;
	struct growing *out; /* gets the file, and is told as it grows; not its end */
};

/* Blocks until the blob is whole. Another fetch of the same blob, in whatever process, is waited for and what it
 * brought is used. On failure the part stays for the next try, unless it was wrong: ABORTED
 * when bytes of an earlier try may have been the wrong ones. */
int fetch_blob(const struct fetch *fetch, struct err *err) must_check;

/* A small blob into memory: the size said, at most `max`, and the digest are checked. */
int fetch_document(const struct fetch *fetch, size_t max, struct buf *out,
		   struct err *err) must_check;
