/* SPDX-License-Identifier: Apache-2.0 */
/* The two texts a resolver answers from: lines of hosts(5), which the engine writes for each network, and
 * resolv.conf(5) of the host. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dnsmsg.h"

enum { DNS_ADDRESSES_MAX = 64, DNS_SERVERS_MAX = 8 };

struct dns_found {
	struct dns_address addresses[DNS_ADDRESSES_MAX]; /* of the family that was asked for */
	size_t n;
	bool known; /* the name is one of the text's, whatever it has for addresses */
};

/* Adds the addresses of `family` that `name` has in the text of n bytes to *found; more than fit are left
 * out. Names are compared without regard to case. */
void dnsnames_find(const char *text, size_t n, const char *name, int family,
		   struct dns_found *found);

/* The first name of the line that begins with `address`; false: there is none. */
bool dnsnames_of(const char *text, size_t n, const struct dns_address *address,
		 char name[DNS_NAME_MAX]) must_check;

/* The servers of a resolv.conf, in its order; returns how many. Those with a zone (fe80::1%eth0) are left out:
 * what is no address is no server. */
size_t dnsnames_servers(const char *text, size_t n,
			struct dns_address servers[DNS_SERVERS_MAX]) must_check;

/* An address as text; false: it is none. */
bool dnsnames_address(const char *text, struct dns_address *address) must_check;
