/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

const double histogram_bounds_s[HISTOGRAM_BOUNDS] = { 0.0005, 0.001, 0.0025, 0.005, 0.01,
						      0.025,  0.05,  0.1,    0.25,  0.5,
						      1,      2.5,   5,      10,    30 };

void histogram_add(struct histogram *h, int64_t took_ns)
{
	double took_s = (double)took_ns / 1e9;
	int i = 0;

	while (i < HISTOGRAM_BOUNDS && took_s > histogram_bounds_s[i])
		i++;
	atomic_fetch_add(&h->counts[i], 1);
	atomic_fetch_add(&h->sum_ns, took_ns > 0 ? (unsigned long long)took_ns : 0);
}

void histogram_read(struct histogram *h, struct histogram_view *out)
{
	uint64_t sum = 0;

	for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
		sum += atomic_load(&h->counts[i]);
		out->upto[i] = sum;
	}
	out->count = sum + atomic_load(&h->counts[HISTOGRAM_BOUNDS]);
	out->sum_s = (double)atomic_load(&h->sum_ns) / 1e9;
}
