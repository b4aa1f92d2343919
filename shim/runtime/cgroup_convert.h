/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v1's numbers, which the specification and Docker speak, as v2's. Pure. */
#pragma once

#include <stdint.h>

/* CPU shares 2..262144 (what is outside counts as the nearest) to a weight of 1..10000, so that the default of one is
 * that of the other: 1024 is 100. The curve is the one that runc and crun use. */
int64_t cgroup_cpu_weight(int64_t shares);
/* blkio weight 10..1000 to io.weight 1..10000. */
int64_t cgroup_io_weight(int64_t weight);
/* Memory and swap together, and memory, to swap alone: -1 = no limit. */
int64_t cgroup_swap(int64_t both, int64_t memory);
