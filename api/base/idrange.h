/* SPDX-License-Identifier: Apache-2.0 */
/* A range of user and group ids of the host. Pure. */
#pragma once

#include <stdint.h>

#include "mem.h"

enum { IDRANGE_FIRST_MIN = 65536 }; /* below are the host's own users */

struct idrange {
	uint32_t first, n; /* n 0 = none */
};

/* "FIRST:COUNT", both decimal. -EINVAL for anything else, for one that begins below IDRANGE_FIRST_MIN, and for one that
 * ends beyond the highest id that can be mapped. */
int idrange_parse(const char *text, struct idrange *out) must_check;
