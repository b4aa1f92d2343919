/* SPDX-License-Identifier: Apache-2.0 */
/* Which subnet a network gets that asks for none, and which part of a subnet is for containers. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/* The first default pool (a /24 of 172.17.0.0 to 172.31.255.0, then of 192.168.0.0/16) that overlaps with none of
 * `taken`. -EADDRNOTAVAIL when there is none. */
int pool_choose(const struct subnet *taken, size_t n, struct subnet *out) must_check;
/* A /64 of fd00::/8, by the random number. */
struct subnet pool_choose_ipv6(uint64_t random);

/* First and last number (within `subnet`) of the addresses of `range`, a part of it, that may be given out: not
 * its first of all, nor the broadcast address. -EINVAL when nothing remains. */
struct pool_span {
	uint64_t first, last;
};
int pool_span(const struct subnet *subnet, const struct subnet *range,
	      struct pool_span *out) must_check;
