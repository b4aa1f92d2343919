/* SPDX-License-Identifier: Apache-2.0 */
/* What a request may ask for and this release does not do. Nothing is dropped silently: what the user
 * asked for is refused, what only the image says is a warning. Pure. */
#pragma once

#include "cleat/v1/config.pb-c.h"
#include "err.h"
#include "mem.h"

/* UNIMPLEMENTED naming the first field that cannot be done. Call before the image's defaults are
 * filled in. */
int unsupported_check(const Cleat__V1__ContainerConfig *config, struct err *err) must_check;
