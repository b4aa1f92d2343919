/* SPDX-License-Identifier: Apache-2.0 */
/* What a process of the container may: limits, user and groups, capabilities. Acts on the caller. */
#pragma once

#include "err.h"
#include "filter.h"
#include "plan.h"

/* The OOM score, while /proc can be written. */
int privs_oom(const struct plan_process *p, struct err *err) must_check;

/* Resource limits but for that of the user's processes, while still privileged; later calls may find that no file can be opened. A limit above what the host lets us
 * give becomes the most it lets us give. */
int privs_limits(const struct plan_process *p, struct err *err) must_check;
/* That one: whoever forks afterwards counts, too. */
int privs_processes(const struct plan_process *p, struct err *err) must_check;

/* Before a user namespace is entered, in which no limit may be raised, or privileges are dropped: raises those that are below what is asked for, as far
 * as the host lets us. */
void privs_raise(const struct plan_process *p);

/* Becomes the user with the capabilities; loads the filter, at the last moment possible. `stays`: this process will not
 * execute, and keeps no more than if it did. */
int privs_user(const struct plan_process *p, struct err *err) must_check;
int privs_confine(const struct plan_process *p, const struct seccomp_filter *f, bool stays,
		  struct err *err) must_check;
