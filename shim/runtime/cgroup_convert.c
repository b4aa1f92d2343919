/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_convert.h"

#include <math.h>

int64_t cgroup_cpu_weight(int64_t shares)
{
	double l;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2((double)shares);
	return (int64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

int64_t cgroup_io_weight(int64_t weight)
{
	return 1 + (weight - 10) * 9999 / 990;
}

int64_t cgroup_swap(int64_t both, int64_t memory)
{
	return both < 0 || memory < 0 ? -1 : both - memory;
}
