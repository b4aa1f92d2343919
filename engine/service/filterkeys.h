/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of a service that has nothing they could apply to: they are checked all the same. Pure. */
#pragma once

#include <stddef.h>

#include "cleat/v1/common.pb-c.h"
#include "err.h"
#include "mem.h"

/* -EINVAL names a filter whose key is none of `keys`, which a NULL ends, or a time that is none. */
int filterkeys_check(Cleat__V1__Filter *const *filters, size_t n, const char *const *keys,
		     struct err *err) must_check;
