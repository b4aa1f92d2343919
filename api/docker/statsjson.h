/* SPDX-License-Identifier: Apache-2.0 */
/* A sample as Docker's statistics. Pure. */
#pragma once

#include <jansson.h>

#include "cleat/v1/containers.pb-c.h"
#include "mem.h"

/* Owned; NULL = no memory. `before` (the sample that rates are since) may be NULL. */
json_t *statsjson(const Cleat__V1__StatsSample *before,
		  const Cleat__V1__StatsSample *now) must_check;
