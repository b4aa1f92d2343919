/* SPDX-License-Identifier: Apache-2.0 */
/* The AppArmor profile of a process of the container (aa_change_onexec(2)). */
#pragma once

#include "err.h"
#include "mem.h"

/* Before the container's root is entered: *proc becomes a descriptor of the host's /proc when there is a profile, else
 * it stays as it is. Not supported when the kernel has no AppArmor. */
int apparmor_open(const char *profile, int *proc, struct err *err) must_check;

/* What the caller, or its next child, executes next has the profile. Closes *proc, so that no process of the container
 * gets at the host's /proc; -1 is no profile. */
int apparmor_apply(const char *profile, int *proc, struct err *err) must_check;
