/* SPDX-License-Identifier: Apache-2.0 */
/* Limits against what the host has: a limit that the kernel cannot keep is discarded with one of Docker's warnings; one
 * that names processors or memory nodes the host lacks is refused. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleat/v1/config.pb-c.h"
#include "cpulist.h"
#include "err.h"
#include "mem.h"

struct hostlimits {
	bool memory, swap, reservation, swappiness, oom_control;
	bool pids, cpu_shares, cpu_cfs, cpuset;
	bool block_weight, block_rates;
	struct cpulist cpus, mems; /* that a container can be given */
	char cpus_text[256], mems_text[256];
	unsigned n_cpus; /* online */
};

/* A message's list of strings. */
struct warnings {
	char ***v;
	size_t *n;
};

/* Adds a copy. 0 or -ENOMEM. */
int warnings_add(struct warnings warnings, const char *text) must_check;

/* Changes *limits, which owns its members. NULL is fine. 0, -EINVAL, -ENOMEM. */
int limitcheck(Cleat__V1__Resources *limits, const struct hostlimits *host,
	       struct warnings warnings, struct err *err) must_check;
