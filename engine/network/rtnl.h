/* SPDX-License-Identifier: Apache-2.0 */
/* What cleat asks of rtnetlink(7), by libmnl. Requests are gathered and sent as one, so that an interface costs one
 * system call to make. A socket belongs to the network namespace it was opened in, whoever uses it. Blocks on the
 * kernel alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "err.h"
#include "mem.h"

enum {
	RTNL_BYTES = 4096,
	RTNL_NAME_MAX = 16,
	RTNL_ALIAS_MAX = 80, /* of the text that tells whose interface it is, with its NUL */
};

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

/* Whether an interface is there and up. Neither this nor rtnl_index() waits for a lock of the kernel. */
bool rtnl_is_up(const struct rtnl *rtnl, const char *name);

/* The number of an interface with this alias; -EEXIST when it has another one or none. *up (may be NULL): whether it is. */
int rtnl_find(struct rtnl *rtnl, const char *name, const char *alias, bool *up) must_check;

/* Gather a request each. What is gathered is carried out within one system call: nobody finds a bridge without its alias
 * whose maker was killed. A bridge is down at first. */
void rtnl_add_bridge(struct rtnl *rtnl, const char *name, const char *alias, const uint8_t mac[6],
		     uint32_t mtu);
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
/* An interface gives itself no IPv6 address. Else each asks around, as it comes up, whether its own is taken, and tells
 * which groups it listens to: with a thousand on a bridge that is most of what a start costs. */
void rtnl_set_no_autoconf(struct rtnl *rtnl, const char *name);
void rtnl_set_up(struct rtnl *rtnl, int index);
void rtnl_delete(struct rtnl *rtnl, int index);
/* The address with the prefix of its subnet. */
void rtnl_add_address(struct rtnl *rtnl, int index, const struct subnet *address);
void rtnl_add_default_route(struct rtnl *rtnl, const struct addr *gateway);

/* Sends what was gathered. 0, or the first error with the kernel's words, if it has any. */
int rtnl_commit(struct rtnl *rtnl, struct err *err) must_check;

struct rtnl_cable {
	int netns;           /* a descriptor */
	struct rtnl *inside; /* of that namespace; nothing is gathered there */
	int bridge;     /* the number of the master; 0 = it is gone, and its interfaces have none */
	uint8_t mac[6]; /* of the end in the namespace; it counts where the bridge is gone */
};
/* Gathers the deletion of every interface between a bridge and a namespace. -EAGAIN: interfaces came and went all the
 * while, and those of one moment were not to be had. */
int rtnl_delete_into(struct rtnl *rtnl, const struct rtnl_cable *cable, struct err *err) must_check;

/* The subnets that the namespace has routes to; owned in *out. -EAGAIN as above. */
int rtnl_routes(struct rtnl *rtnl, struct subnet **out, size_t *n, struct err *err) must_check;
