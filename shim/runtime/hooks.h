/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the bundle that run at fixed moments of a container's life. */
#pragma once

#include "err.h"
#include "plan.h"

/* Runs all hooks of one moment in order, each with `state` (the state document) on stdin. Blocks
 * until each has ended or its timeout, after which it is killed. The first failure ends it. */
int hooks_run(const struct plan *p, enum plan_hook moment, const char *state,
	      struct err *err) must_check;
