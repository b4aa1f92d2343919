/* SPDX-License-Identifier: Apache-2.0 */
/* nftables by libnftables. The library is loaded for a call and dropped after it: it is an order of magnitude larger
 * than all that the engine keeps in memory while idle. */
#pragma once

#include "err.h"
#include "mem.h"

/* Carries the script (nft(8)) out as one transaction: all of it or nothing. Thread-safe; blocks on the kernel.
 * -errno with the first line of what nftables says. */
int nft_run(const char *script, struct err *err) must_check;
