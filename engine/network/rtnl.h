/* SPDX-License-Identifier: Apache-2.0 */
/* What cleat asks of rtnetlink(7), by libmnl. Requests are gathered and sent as one, so that an interface costs one
 * system call to make. A socket belongs to the network namespace it was opened in, whoever uses it. Blocks on the
 * kernel alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "err.h"
#include "mem.h"

enum { RTNL_BYTES = 4096, RTNL_NAME_MAX = 16 };

struct rtnl {
	int fd;
	uint32_t seq, n; /* n: requests gathered */
	size_t len;
	_Alignas(8) char buf[RTNL_BYTES];
};

/* In the namespace of the calling thread. 0 or -errno. */
int rtnl_open(struct rtnl *rtnl) must_check;
/* For cleanup(); also of one that is { .fd = -1 }. */
void rtnl_close(struct rtnl *rtnl);

/* Number of the interface `name`, -ENODEV. */
int rtnl_index(const struct rtnl *rtnl, const char *name) must_check;

/* The same, if the interface has this alias; -EEXIST when it has another one or none. */
int rtnl_find(struct rtnl *rtnl, const char *name, const char *alias) must_check;

/* Gather a request each. */
void rtnl_add_bridge(struct rtnl *rtnl, const char *name, const uint8_t mac[6], uint32_t mtu);
struct rtnl_veth {
	const char *name, *peer; /* the peer is made in the other namespace */
	int peer_netns;          /* a descriptor */
	int bridge;              /* the number of its master */
	uint8_t mac[6];          /* of the peer */
	uint32_t mtu;            /* 0 = the kernel's */
};
void rtnl_add_veth(struct rtnl *rtnl, const struct rtnl_veth *veth);
/* A bridge may send a packet back to the port `name` that it came from. */
void rtnl_set_hairpin(struct rtnl *rtnl, const char *name);
void rtnl_set_up(struct rtnl *rtnl, int index);
/* A text that tells whose interface it is; at most RTNL_ALIAS_MAX - 1 bytes. */
enum { RTNL_ALIAS_MAX = 80 };
void rtnl_set_alias(struct rtnl *rtnl, int index, const char *alias);
void rtnl_delete(struct rtnl *rtnl, int index);
/* The address with the prefix of its subnet. */
void rtnl_add_address(struct rtnl *rtnl, int index, const struct subnet *address);
void rtnl_add_default_route(struct rtnl *rtnl, const struct addr *gateway);

/* Sends what was gathered. 0, or the first error with the kernel's words, if it has any. */
int rtnl_commit(struct rtnl *rtnl, struct err *err) must_check;

/* The subnets that the namespace has routes to; owned in *out. */
int rtnl_routes(struct rtnl *rtnl, struct subnet **out, size_t *n, struct err *err) must_check;
