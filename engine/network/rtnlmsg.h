/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to rtnetlink as rtnl.c and rtnldump.c make them. */
#pragma once

#include "rtnl.h"

enum { REPLY_BYTES = 16384 };

struct nlmsghdr;

/* The header of one more request; never NULL. */
struct nlmsghdr *rtnlmsg_begin(struct rtnl *rtnl, uint16_t type, uint16_t flags);
/* The same of an interface (0 = it is named by an attribute); `up`: IFF_UP or 0. */
struct nlmsghdr *rtnlmsg_begin_link(struct rtnl *rtnl, uint16_t type, uint16_t flags, int index,
				    unsigned up);
