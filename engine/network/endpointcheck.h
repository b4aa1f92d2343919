/* SPDX-License-Identifier: Apache-2.0 */
/* What a container may ask for in a network. Pure. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"
#include "network.h"

/* Its addresses, names, links and MAC address; -EINVAL says what is wrong. */
int endpointcheck(const struct network *network, const Cleat__V1__EndpointConfig *config,
		  struct err *err) must_check;
