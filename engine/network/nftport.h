/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of the maps of published ports, by nfnetlink itself: a port comes and goes with its container, and loading
 * libnftables for that takes longer than all else of a start. Blocks on the kernel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"
#include "rules.h"

enum { NFTPORT_MAX = 256 };

/* Adds or ends n elements (at most NFTPORT_MAX) in one transaction: all or none. -ENOENT: the table, or an element
 * to be ended, is not there (which not every kernel tells); -EBUSY: there is one with another target. */
int nftport_change(const char *table, bool add, const struct rules_port *ports, size_t n,
		   struct err *err) must_check;
/* 0 when the table is there, -ENOENT when it is not. */
int nftport_table(const char *table) must_check;
