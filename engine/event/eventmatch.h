/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's filters of events: values of one key are alternatives, keys must all match. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleat/v1/system.pb-c.h"
#include "err.h"
#include "mem.h"

/* -EINVAL names a key that does not exist. */
int eventmatch_check(Cleat__V1__Filter *const *filters, size_t n, struct err *err) must_check;
bool eventmatch(const Cleat__V1__Event *event, Cleat__V1__Filter *const *filters, size_t n);
