/* SPDX-License-Identifier: Apache-2.0 */
/* The AppArmor profile of a container (apparmor.d(5)). */
#pragma once

#include <stdbool.h>

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"

/* Whether this kernel has AppArmor switched on. Reads a file of /sys. */
bool confinement_available(void);

/* A container that asks for none gets the profile cleat-default, if that is loaded, by an option --security-opt of its
 * config; one that is privileged does not. -EINVAL when a profile is asked for and this kernel has no AppArmor. Reads
 * files of /sys. */
int confinement_settle(Cleat__V1__ContainerConfig *config, struct err *err) must_check;
