/* SPDX-License-Identifier: Apache-2.0 */
/* Device access on cgroup v2: a BPF program made from the rules. */
#pragma once

#include <linux/bpf.h>

#include "cgroup.h"

/* Emits the program for the rules, the last matching one decides; pure. `out` has room for `max`
 * instructions. Returns their number, or -E2BIG. */
int cgroup_devices_program(const struct plan_device_rule *rules, size_t n, struct bpf_insn *out,
			   size_t max) must_check;

/* Loads it and attaches it to the cgroup; it lives as long as that. */
int cgroup_devices_attach(const struct cgroup *cg, const struct plan_resources *res,
			  struct err *err) must_check;
