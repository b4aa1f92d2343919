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

/* Takes the answers to a dump, of which `each` gets every message; its error ends it. 1 = there is more. */
static int take_dump(const char *data, int len, int (*each)(const struct nlmsghdr *h, void *ctx),
		     void *ctx)
{
	int r = 1;

	for (const struct nlmsghdr *h = (const void *)data; r > 0 && mnl_nlmsg_ok(h, len);
	     h = mnl_nlmsg_next(h, &len)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return e->error;
		r = each(h, ctx) < 0 ? -ENOMEM : 1;
	}
	return r;
}

/* Sends a request that was begun, alone, and takes the answers. */
static int dump(struct rtnl *rtnl, const struct nlmsghdr *h,
		int (*each)(const struct nlmsghdr *h, void *ctx), void *ctx)
{
	_Alignas(8) char reply[REPLY_BYTES];
	int r = 1;

	rtnl->n = 0;
	if (send(rtnl->fd, h, h->nlmsg_len, 0) < 0)
		r = -errno;
	while (r > 0) {
		ssize_t got = recv(rtnl->fd, reply, sizeof(reply), 0);

		if (got >= 0)
			r = take_dump(reply, (int)got, each, ctx);
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}

int rtnl_routes(struct rtnl *rtnl, struct subnet **out, size_t *n, struct err *err)
{
	struct route_list list = { 0 };
	struct nlmsghdr *h = rtnlmsg_begin(rtnl, RTM_GETROUTE, NLM_F_DUMP);
	int r;

	(void)mnl_nlmsg_put_extra_header(h, sizeof(struct rtmsg));
	r = dump(rtnl, h, add_route, &list);
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
	uint32_t master;
};

struct port_search {
	struct port wanted;
	int index[PORTS_MAX];
	size_t n;
};

static int take_port(const struct nlattr *attr, void *ctx)
{
	struct port *port = ctx;

	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attr) == IFLA_MASTER)
		port->master = mnl_attr_get_u32(attr);
	if (mnl_attr_get_type(attr) == IFLA_LINK_NETNSID)
		port->nsid = (int32_t)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int see_link(const struct nlmsghdr *h, void *ctx)
{
	struct port_search *search = ctx;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct port port = { .nsid = -1 };

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	(void)mnl_attr_parse(h, sizeof(*info), take_port, &port);
	if (port.nsid == search->wanted.nsid && port.master == search->wanted.master &&
	    search->n < PORTS_MAX)
		search->index[search->n++] = info->ifi_index;
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
	struct nlmsghdr *h = rtnlmsg_begin(rtnl, RTM_GETNSID, 0);
	int r;

	(void)mnl_nlmsg_put_extra_header(h, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(h, NETNSA_FD, (uint32_t)netns);
	*out = -1;
	/* the acknowledgement is the end */
	r = dump(rtnl, h, see_nsid, out);
	return r < 0 ? r : *out < 0 ? -ENOENT : 0;
}

int rtnl_delete_into(struct rtnl *rtnl, int bridge, int netns, struct err *err)
{
	struct port_search search = { .wanted = { .master = (uint32_t)bridge } };
	int r = nsid_of(rtnl, netns, &search.wanted.nsid);
	struct nlmsghdr *h;

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		h = rtnlmsg_begin_link(rtnl, RTM_GETLINK, NLM_F_DUMP, 0, 0);
		if (bridge)
			mnl_attr_put_u32(h, IFLA_MASTER, (uint32_t)bridge);
		r = dump(rtnl, h, see_link, &search);
	}
	if (r < 0)
		return err_sys(err, r, "find the interfaces of a namespace");
	for (size_t i = 0; i < search.n; i++)
		rtnl_delete(rtnl, search.index[i]);
	return 0;
}
