/* SPDX-License-Identifier: Apache-2.0 */
/* The block devices that a request limits, as they are now. Blocks on the file system. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "limitcheck.h"
#include "mem.h"
#include "spec.h"

struct blockrates {
	struct spec_rate *v; /* owned */
	size_t n;
};

/* NULL is no limit. -EINVAL names the path that is no block device, or the weight that is none. A weight that the
 * device's scheduler does not know is left out with a warning. */
int blockrates_find(struct blockrates *rates, const Cleat__V1__Resources *limits,
		    struct warnings warnings, struct err *err) must_check;
/* For cleanup(). */
void blockrates_deinit(struct blockrates *rates);
