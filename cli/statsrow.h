/* SPDX-License-Identifier: Apache-2.0 */
/* Two samples of a container as a row of `stats`, with Docker's arithmetic. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cleat/v1/containers.pb-c.h"
#include "mem.h"

/* Per cent of one processor between two samples; 0 without an earlier one. */
double statsrow_cpu(const Cleat__V1__StatsSample *before, const Cleat__V1__StatsSample *now);
/* What is in use: memory without the part of the page cache that is easily given up. */
uint64_t statsrow_memory(const Cleat__V1__StatsSample *now);

/* The row, owned; NULL = no memory. `before` may be NULL. `container` is what the user called it. */
json_t *statsrow(const Cleat__V1__StatsSample *before, const Cleat__V1__StatsSample *now,
		 const char *container, bool whole_id) must_check;
