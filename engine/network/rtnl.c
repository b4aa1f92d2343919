/* SPDX-License-Identifier: Apache-2.0 */
#include "rtnlmsg.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

enum { REQUEST_MAX = 512 };

int rtnl_open(struct rtnl *rtnl)
{
	static const int on = 1;

	*rtnl = (struct rtnl){ .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) };
	if (rtnl->fd < 0)
		return -errno;
	/* without them an error is told with less words */
	(void)setsockopt(rtnl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(rtnl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

void rtnl_close(struct rtnl *rtnl)
{
	closep(&rtnl->fd);
	rtnl->fd = -1;
}

int rtnl_index(const struct rtnl *rtnl, const char *name)
{
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(rtnl->fd, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
}

bool rtnl_is_up(const struct rtnl *rtnl, const char *name)
{
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(rtnl->fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_UP;
}

struct nlmsghdr *rtnlmsg_begin(struct rtnl *rtnl, uint16_t type, uint16_t flags)
{
	/* One that does not fit is an error of ours; it is told when all is sent. */
	bool fits = rtnl->len + REQUEST_MAX <= sizeof(rtnl->buf);
	struct nlmsghdr *h = mnl_nlmsg_put_header(rtnl->buf + (fits ? rtnl->len : 0));

	rtnl->n += fits ? 1 : RTNL_BYTES;
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++rtnl->seq;
	return h;
}

static void end(struct rtnl *rtnl, const struct nlmsghdr *h)
{
	rtnl->len += (h->nlmsg_len + 3u) & ~3u;
}

struct nlmsghdr *rtnlmsg_begin_link(struct rtnl *rtnl, uint16_t type, uint16_t flags, int index,
				    unsigned up)
{
	struct nlmsghdr *h = rtnlmsg_begin(rtnl, type, flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));

	info->ifi_index = index;
	info->ifi_flags = info->ifi_change = up;
	return h;
}

void rtnl_add_bridge(struct rtnl *rtnl, const char *name, const char *alias, const uint8_t mac[6],
		     uint32_t mtu)
{
	struct nlmsghdr *h = rtnlmsg_begin_link(rtnl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	struct nlattr *info;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	if (mtu)
		mnl_attr_put_u32(h, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(h, info);
	end(rtnl, h);
	h = rtnlmsg_begin_link(rtnl, RTM_NEWLINK, 0, 0, 0);
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_str(h, IFLA_IFALIAS, alias);
	end(rtnl, h);
}

void rtnl_add_veth(struct rtnl *rtnl, const struct rtnl_veth *veth)
{
	struct nlmsghdr *h = rtnlmsg_begin_link(rtnl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0,
						(unsigned)IFF_UP);
	struct nlattr *info, *data, *peer;

	mnl_attr_put_strz(h, IFLA_IFNAME, veth->name);
	mnl_attr_put_u32(h, IFLA_MASTER, (uint32_t)veth->bridge);
	if (veth->mtu)
		mnl_attr_put_u32(h, IFLA_MTU, veth->mtu);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, veth->peer);
	mnl_attr_put(h, IFLA_ADDRESS, 6, veth->mac);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns);
	if (veth->mtu)
		mnl_attr_put_u32(h, IFLA_MTU, veth->mtu);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	end(rtnl, h);
}

void rtnl_set_hairpin(struct rtnl *rtnl, const char *name)
{
	struct nlmsghdr *h = rtnlmsg_begin_link(rtnl, RTM_NEWLINK, 0, 0, 0);
	struct nlattr *info, *data;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_SLAVE_KIND, "bridge");
	data = mnl_attr_nest_start(h, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(h, IFLA_BRPORT_MODE, 1);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	end(rtnl, h);
}

void rtnl_set_no_autoconf(struct rtnl *rtnl, const char *name)
{
	struct nlmsghdr *h;
	struct nlattr *families, *ipv6;

	if (access("/proc/sys/net/ipv6", F_OK) < 0)
		return; /* the kernel knows no such family */
	h = rtnlmsg_begin_link(rtnl, RTM_NEWLINK, 0, 0, 0);
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	families = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	ipv6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, ipv6);
	mnl_attr_nest_end(h, families);
	end(rtnl, h);
}

void rtnl_set_up(struct rtnl *rtnl, int index)
{
	end(rtnl, rtnlmsg_begin_link(rtnl, RTM_NEWLINK, 0, index, (unsigned)IFF_UP));
}

void rtnl_delete(struct rtnl *rtnl, int index)
{
	end(rtnl, rtnlmsg_begin_link(rtnl, RTM_DELLINK, 0, index, 0));
}

static uint8_t family_of(const struct addr *addr)
{
	return addr->len == 4 ? AF_INET : AF_INET6;
}

void rtnl_add_address(struct rtnl *rtnl, int index, const struct subnet *address)
{
	struct nlmsghdr *h = rtnlmsg_begin(rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifa_family = family_of(&address->addr);
	m->ifa_prefixlen = address->prefix;
	m->ifa_index = (uint32_t)index;
	m->ifa_scope = RT_SCOPE_UNIVERSE;
	if (address->addr.len == 16)
		m->ifa_flags = IFA_F_NODAD; /* leases are unique: it may be used at once */
	mnl_attr_put(h, IFA_LOCAL, address->addr.len, address->addr.b);
	mnl_attr_put(h, IFA_ADDRESS, address->addr.len, address->addr.b);
	end(rtnl, h);
}

void rtnl_add_default_route(struct rtnl *rtnl, const struct addr *gateway)
{
	struct nlmsghdr *h = rtnlmsg_begin(rtnl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->rtm_family = family_of(gateway);
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_BOOT;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_GATEWAY, gateway->len, gateway->b);
	end(rtnl, h);
}

enum { WORDS_MAX = 120 };

static int take_words(const struct nlattr *attr, void *ctx)
{
	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		(void)snprintf(ctx, WORDS_MAX, "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* The kernel's words of a refusal, "" = none. */
static void words_of(const struct nlmsghdr *h, char out[WORDS_MAX])
{
	out[0] = '\0';
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && h->nlmsg_flags & NLM_F_CAPPED)
		(void)mnl_attr_parse(h, sizeof(struct nlmsgerr), take_words, out);
}

/* Takes the answers of one datagram; *first is the first error. Returns how many there were. */
static uint32_t take_answers(const char *data, int len, int *first, char words[WORDS_MAX])
{
	uint32_t n = 0;

	for (const struct nlmsghdr *h = (const void *)data; mnl_nlmsg_ok(h, len);
	     h = mnl_nlmsg_next(h, &len)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type != NLMSG_ERROR)
			continue;
		n++;
		if (e->error && !*first) {
			*first = e->error;
			words_of(h, words);
		}
	}
	return n;
}

int rtnl_commit(struct rtnl *rtnl, struct err *err)
{
	_Alignas(8) char reply[REPLY_BYTES];
	char words[WORDS_MAX] = "";
	uint32_t n = rtnl->n, answers = 0;
	size_t len = rtnl->len;
	int first = n >= RTNL_BYTES ? -EMSGSIZE : 0;

	rtnl->n = 0;
	rtnl->len = 0;
	if (n == 0)
		return 0;
	if (!first && send(rtnl->fd, rtnl->buf, len, 0) < 0)
		first = -errno;
	while (!first && answers < n) {
		ssize_t got = recv(rtnl->fd, reply, sizeof(reply), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "rtnetlink");
		answers += take_answers(reply, (int)got, &first, words);
	}
	/* what is left of the answers would be taken for those of the next requests */
	while (first && answers < n && n < RTNL_BYTES) {
		ssize_t got = recv(rtnl->fd, reply, sizeof(reply), MSG_DONTWAIT);

		if (got <= 0)
			break;
		answers += take_answers(reply, (int)got, &first, words);
	}
	return first ? err_sys(err, first, "rtnetlink%s%s", words[0] ? ": " : "", words) : 0;
}

static int take_alias(const struct nlattr *attr, void *ctx)
{
	if (mnl_attr_get_type(attr) == IFLA_IFALIAS &&
	    mnl_attr_validate(attr, MNL_TYPE_STRING) == 0)
		(void)snprintf(ctx, RTNL_ALIAS_MAX, "%.*s", (int)mnl_attr_get_payload_len(attr),
			       mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

int rtnl_find(struct rtnl *rtnl, const char *name, const char *alias, bool *up)
{
	_Alignas(8) char reply[REPLY_BYTES];
	const struct nlmsghdr *h = (const void *)reply;
	char found[RTNL_ALIAS_MAX] = "";
	struct nlmsghdr *request = rtnlmsg_begin_link(rtnl, RTM_GETLINK, 0, 0, 0);
	const struct ifinfomsg *info;
	ssize_t got;

	rtnl->n = 0;
	request->nlmsg_flags = NLM_F_REQUEST;
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	if (send(rtnl->fd, rtnl->buf, request->nlmsg_len, 0) < 0)
		return -errno;
	while ((got = recv(rtnl->fd, reply, sizeof(reply), 0)) < 0)
		if (errno != EINTR)
			return -errno;
	if (!mnl_nlmsg_ok(h, (int)got))
		return -EBADMSG;
	if (h->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
	info = mnl_nlmsg_get_payload(h);
	(void)mnl_attr_parse(h, sizeof(*info), take_alias, found);
	if (up)
		*up = info->ifi_flags & (unsigned)IFF_UP;
	return strcmp(found, alias) == 0 ? info->ifi_index : -EEXIST;
}
