/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what is asked for goes with a user namespace of the container's own. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"
#include "passwd.h"

/* *size: how many ids it wants, 0 = it has the host's. `runtime`: of the engine's configuration. -EINVAL in Docker's
 * words, UNIMPLEMENTED. */
int userns_check(const Cleat__V1__ContainerConfig *config, const char *runtime, uint32_t *size,
		 struct err *err) must_check;

/* Whether the user's ids are among them. */
int userns_check_user(const struct passwd_user *user, uint32_t size, struct err *err) must_check;
