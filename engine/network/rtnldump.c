/* SPDX-License-Identifier: Apache-2.0 */
#include "rtnlmsg.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

struct route_list {
	struct subnet *v;
	size_t n, room;
};

static int take_destination(const struct nlattr *attr, void *ctx)
{
	struct subnet *s = ctx;
	uint16_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == RTA_DST && (len == 4 || len == 16)) {
		s->addr.len = (uint8_t)len;
		memcpy(s->addr.b, mnl_attr_get_payload(attr), len);
	}
	return MNL_CB_OK;
}

static int add_route(const struct nlmsghdr *h, void *ctx)
{
	struct route_list *list = ctx;
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct subnet s = { .prefix = m->rtm_dst_len };

	if (h->nlmsg_type != RTM_NEWROUTE || m->rtm_dst_len == 0 ||
	    (m->rtm_type != RTN_UNICAST && m->rtm_type != RTN_LOCAL))
		return 0;
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct subnet *grown = realloc(list->v, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->v = grown;
		list->room = room;
	}
	(void)mnl_attr_parse(h, sizeof(*m), take_destination, &s);
	if (s.addr.len)
		list->v[list->n++] = s;
	return 0;
}

enum { TRIES = 32 };

struct dump {
	int (*each)(const struct nlmsghdr *h, void *ctx); /* an error ends it: no memory */
	void (*again)(void *ctx);                         /* what came so far does not count */
	void *ctx;
	bool torn; /* what is listed has changed meanwhile: some may be missing or told twice */
};

/* Takes the answers. 1 = there is more. */
static int take_dump(struct dump *dump, const char *data, int len)
{
	int r = 1;

	for (const struct nlmsghdr *h = (const void *)data; r > 0 && mnl_nlmsg_ok(h, len);
	     h = mnl_nlmsg_next(h, &len)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		dump->torn = dump->torn || (h->nlmsg_flags & NLM_F_DUMP_INTR);
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return e->error;
		r = dump->each(h, dump->ctx) < 0 ? -ENOMEM : 1;
	}
	return r;
}

static int dump_once(struct rtnl *rtnl, const struct nlmsghdr *h, struct dump *dump)
{
	_Alignas(8) char reply[REPLY_BYTES];
	int r = 1;

	if (send(rtnl->fd, h, h->nlmsg_len, 0) < 0)
		r = -errno;
	while (r > 0) {
		ssize_t got = recv(rtnl->fd, reply, sizeof(reply), 0);

		if (got >= 0)
			r = take_dump(dump, reply, (int)got);
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}

/* Sends a request that was begun, alone, and takes the answers: those of one moment. */
static int dump_all(struct rtnl *rtnl, const struct nlmsghdr *h, struct dump *dump)
{
	int r;

	rtnl->n = 0;
	for (int i = 0; i < TRIES; i++) {
		r = dump_once(rtnl, h, dump);
		if (r < 0 || !dump->torn)
			return r;
		dump->torn = false;
		dump->again(dump->ctx);
	}
	return -EAGAIN;
}

static void forget_routes(void *ctx)
{
	struct route_list *list = ctx;

	list->n = 0;
}

int rtnl_routes(struct rtnl *rtnl, struct subnet **out, size_t *n, struct err *err)
{
	struct route_list list = { 0 };
	struct dump dump = { .each = add_route, .again = forget_routes, .ctx = &list };
	struct nlmsghdr *h = rtnlmsg_begin(rtnl, RTM_GETROUTE, NLM_F_DUMP);
	int r;

	(void)mnl_nlmsg_put_extra_header(h, sizeof(struct rtmsg));
	r = dump_all(rtnl, h, &dump);
	if (r < 0) {
		free(list.v);
		return err_sys(err, r, "list the routes");
	}
	*out = list.v;
	*n = list.n;
	return 0;
}

enum { PORTS_MAX = 16 }; /* of one bridge into one namespace; there is one */

struct port {
	int32_t nsid;
	uint32_t master, peer; /* peer: the number of its other end */
	int index;
};

struct port_search {
	struct port wanted;
	struct port v[PORTS_MAX];
	size_t n;
};

static void forget_ports(void *ctx)
{
	struct port_search *search = ctx;

	search->n = 0;
}

static int take_port(const struct nlattr *attr, void *ctx)
{
	struct port *port = ctx;

	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attr) == IFLA_MASTER)
		port->master = mnl_attr_get_u32(attr);
	if (mnl_attr_get_type(attr) == IFLA_LINK)
		port->peer = mnl_attr_get_u32(attr);
	if (mnl_attr_get_type(attr) == IFLA_LINK_NETNSID)
		port->nsid = (int32_t)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int see_link(const struct nlmsghdr *h, void *ctx)
{
	struct port_search *search = ctx;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct port port = { .nsid = -1, .index = info->ifi_index };

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	(void)mnl_attr_parse(h, sizeof(*info), take_port, &port);
	if (port.nsid == search->wanted.nsid && port.master == search->wanted.master &&
	    search->n < PORTS_MAX)
		search->v[search->n++] = port;
	return 0;
}

static int take_nsid(const struct nlattr *attr, void *ctx)
{
	if (mnl_attr_get_type(attr) == NETNSA_NSID && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		*(int32_t *)ctx = (int32_t)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int see_nsid(const struct nlmsghdr *h, void *ctx)
{
	if (h->nlmsg_type == RTM_NEWNSID)
		(void)mnl_attr_parse(h, sizeof(struct rtgenmsg), take_nsid, ctx);
	return 0;
}

/* The number by which the socket's namespace knows another; -ENOENT: it has nothing to do with it. */
static int nsid_of(struct rtnl *rtnl, int netns, int32_t *out)
{
	struct dump dump = { .each = see_nsid, .ctx = out };
	struct nlmsghdr *h = rtnlmsg_begin(rtnl, RTM_GETNSID, 0);
	int r;

	(void)mnl_nlmsg_put_extra_header(h, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(h, NETNSA_FD, (uint32_t)netns);
	*out = -1;
	/* the acknowledgement is the end */
	r = dump_all(rtnl, h, &dump);
	return r < 0 ? r : *out < 0 ? -ENOENT : 0;
}

static int take_mac(const struct nlattr *attr, void *ctx)
{
	if (mnl_attr_get_type(attr) == IFLA_ADDRESS && mnl_attr_get_payload_len(attr) == 6)
		memcpy(ctx, mnl_attr_get_payload(attr), 6);
	return MNL_CB_OK;
}

static int see_mac(const struct nlmsghdr *h, void *ctx)
{
	if (h->nlmsg_type == RTM_NEWLINK)
		(void)mnl_attr_parse(h, sizeof(struct ifinfomsg), take_mac, ctx);
	return 0;
}

static bool has_mac(struct rtnl *rtnl, uint32_t index, const uint8_t mac[6])
{
	uint8_t found[6] = { 0 };
	struct dump dump = { .each = see_mac, .ctx = found };
	struct nlmsghdr *h = rtnlmsg_begin_link(rtnl, RTM_GETLINK, 0, (int)index, 0);

	return dump_all(rtnl, h, &dump) == 0 && memcmp(found, mac, sizeof(found)) == 0;
}

int rtnl_delete_into(struct rtnl *rtnl, const struct rtnl_cable *cable, struct err *err)
{
	struct port_search search = { .wanted = { .master = (uint32_t)cable->bridge } };
	struct dump dump = { .each = see_link, .again = forget_ports, .ctx = &search };
	int r = nsid_of(rtnl, cable->netns, &search.wanted.nsid);
	struct nlmsghdr *h;

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		h = rtnlmsg_begin_link(rtnl, RTM_GETLINK, NLM_F_DUMP, 0, 0);
		if (cable->bridge)
			mnl_attr_put_u32(h, IFLA_MASTER, (uint32_t)cable->bridge);
		r = dump_all(rtnl, h, &dump);
	}
	if (r < 0)
		return err_sys(err, r, "find the interfaces of a namespace");
	for (size_t i = 0; i < search.n; i++)
		if (cable->bridge || has_mac(cable->inside, search.v[i].peer, cable->mac))
			rtnl_delete(rtnl, search.v[i].index);
	return 0;
}
