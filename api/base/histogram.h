/* SPDX-License-Identifier: Apache-2.0 */
/* How long things took: counts by classes of duration. Thread-safe, never blocks. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 15 };

/* What the classes reach up to, in seconds; above the last there is one more. */
extern const double histogram_bounds_s[HISTOGRAM_BOUNDS];

struct histogram {
	atomic_ullong counts[HISTOGRAM_BOUNDS + 1], sum_ns;
};

/* What a histogram was at one time; `upto` counts all that took at most the bound, as Prometheus has it. */
struct histogram_view {
	uint64_t upto[HISTOGRAM_BOUNDS], count;
	double sum_s;
};

void histogram_add(struct histogram *h, int64_t took_ns);
void histogram_read(struct histogram *h, struct histogram_view *out);
