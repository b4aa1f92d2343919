/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces as descriptors. No thread of the engine ever leaves its own: what has to be done inside is
 * done by one that lives for that moment. */
#pragma once

#include "err.h"
#include "idrange.h"
#include "mem.h"
#include "rtnl.h"

/* A new namespace, of a user namespace with these ids unless ids->n is 0, in *fd (owned), which lives as long as something holds it, a socket into it and, unless nftables is
 * NULL, one of NETLINK_NETFILTER in *nftables (owned). Its sysctls are set as Docker's containers have them. */
int netns_make(const struct idrange *ids, int *fd, struct rtnl *rtnl, int *nftables,
	       struct err *err) must_check;
/* The same sockets into an existing one (borrowed). */
int netns_enter(int fd, struct rtnl *rtnl, int *nftables, struct err *err) must_check;
