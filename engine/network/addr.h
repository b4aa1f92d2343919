/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 and IPv6 addresses and subnets as values. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"

enum { ADDR_TEXT_MAX = 46, SUBNET_TEXT_MAX = ADDR_TEXT_MAX + 4, MAC_TEXT_MAX = 18 };

struct addr {
	uint8_t len; /* 4 or 16 bytes of b; 0 = none */
	uint8_t b[16];
};

struct subnet {
	struct addr addr; /* of its first address where it is a subnet of its own */
	uint8_t prefix;   /* bits */
};

/* -EINVAL: neither an IPv4 nor an IPv6 address. */
int addr_parse(const char *text, struct addr *out) must_check;
void addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX]);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *addr);

/* ADDRESS/BITS. The address may have bits behind the prefix. -EINVAL. */
int subnet_parse(const char *text, struct subnet *out) must_check;
void subnet_format(const struct subnet *subnet, char out[SUBNET_TEXT_MAX]);
/* Clears the bits behind the prefix; false when there were any. */
bool subnet_mask(struct subnet *subnet);
bool subnet_contains(const struct subnet *subnet, const struct addr *addr);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);
/* How many addresses it has, at most 2^62. */
uint64_t subnet_size(const struct subnet *subnet);
/* The address with number n, which is below its size. */
struct addr subnet_nth(const struct subnet *subnet, uint64_t n);
/* The number of an address that it contains, of its lower 62 bits. */
uint64_t subnet_number(const struct subnet *subnet, const struct addr *addr);

/* aa:bb:cc:dd:ee:ff; -EINVAL also for a group address. */
int mac_parse(const char *text, uint8_t out[6]) must_check;
void mac_format(const uint8_t mac[6], char out[MAC_TEXT_MAX]);
/* The one an interface with this address has unless told otherwise: whoever takes the address over is found
 * under it at once. */
void mac_of_addr(const struct addr *addr, uint8_t out[6]);
