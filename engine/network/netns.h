/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces as descriptors. No thread of the engine ever leaves its own: what has to be done inside is
 * done by one that lives for that moment. */
#pragma once

#include "err.h"
#include "mem.h"
#include "rtnl.h"

/* A new namespace in *fd (owned), which lives as long as something holds it, and a socket into it. Its sysctls are
 * set as Docker's containers have them. */
int netns_make(int *fd, struct rtnl *rtnl, struct err *err) must_check;
/* A socket into an existing one (borrowed). */
int netns_enter(int fd, struct rtnl *rtnl, struct err *err) must_check;
/* A socket of NETLINK_NETFILTER into it, in *out (owned). */
int netns_open_nftables(int netns, int *out, struct err *err) must_check;
