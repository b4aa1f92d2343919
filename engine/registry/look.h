/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry has under a name, without taking it. */
#pragma once

#include <stdint.h>

#include "distribution.h"
#include "engine.h"
#include "err.h"
#include "mem.h"
#include "pull.h"

struct looked {
	char digest[72], media_type[DISTRIBUTION_TYPE_MAX]; /* of the manifest or index */
	uint64_t size_bytes;                                /* its own */
	struct platform *platforms;                         /* owned */
	size_t n;
};
void looked_deinit(struct looked *looked);

/* The reference and credentials of `options` count, and when to give up; mirrors are asked first. *out is
 * owned. ERR_NOT_FOUND; ERR_INVALID for what is no image. Blocks. */
int registry_look(struct engine *engine, const struct pull_options *options, struct looked *out,
		  struct err *err) must_check;
