/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "err.h"
#include "idrange.h"
#include "mem.h"

/* A new network namespace, in a new user namespace that owns it and whose ids 0 to n - 1 are those of the range: an owned
 * descriptor, which keeps both. Blocks for a moment. */
int ownedns_make(const struct idrange *ids, struct err *err) must_check;
