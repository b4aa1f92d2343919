/* SPDX-License-Identifier: Apache-2.0 */
/* An update's fields put into a container's configuration, by Docker's rules. Pure. */
#pragma once

#include "cleat/v1/containers.pb-c.h"
#include "err.h"
#include "mem.h"

/* Changes *config, which owns its members (as an unpacked message has them). What the request does not set stays. -EINVAL
 * names the field, -EBUSY a conflict with what is set already, -ENOMEM: *config is a whole message all the same. */
int updatemerge(Cleat__V1__ContainerConfig *config,
		const Cleat__V1__UpdateContainerRequest *request, struct err *err) must_check;
