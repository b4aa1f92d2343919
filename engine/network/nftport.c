/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values are concatenations as nftables has them in its registers: each part begins at a multiple of four
 * bytes. */
#include "nftport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

enum { ELEMENT_BYTES = 256, REPLY_BYTES = 16384, WAIT_S = 10 };

struct batch {
	char *data;
	size_t len;
	uint32_t seq;
};

static struct nlmsghdr *begin(struct batch *batch, uint16_t type, uint16_t flags, uint8_t family,
			      uint16_t res_id)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(batch->data + batch->len);
	struct nfgenmsg *general = mnl_nlmsg_put_extra_header(h, sizeof(*general));

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = ++batch->seq;
	general->nfgen_family = family;
	general->version = NFNETLINK_V0;
	general->res_id = htons(res_id);
	return h;
}

static void end(struct batch *batch, const struct nlmsghdr *h)
{
	batch->len += (h->nlmsg_len + 3u) & ~3u;
}

static size_t put(uint8_t *at, const void *data, size_t n)
{
	memset(at, 0, (n + 3) & ~(size_t)3);
	memcpy(at, data, n);
	return (n + 3) & ~(size_t)3;
}

static void put_value(struct nlmsghdr *h, uint16_t type, const uint8_t *value, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(h, type);

	mnl_attr_put(h, NFTA_DATA_VALUE, n, value);
	mnl_attr_nest_end(h, nest);
}

static uint8_t protocol_number(const char *name)
{
	return strcmp(name, "udp") == 0    ? IPPROTO_UDP
	       : strcmp(name, "sctp") == 0 ? IPPROTO_SCTP
					   : IPPROTO_TCP;
}

static void put_element(struct nlmsghdr *h, bool add, const struct rules_port *p)
{
	const uint16_t host_port = htons(p->host_port), target_port = htons(p->target_port);
	const uint8_t protocol = protocol_number(p->protocol);
	uint8_t key[24], value[20];
	size_t n = rules_is_every(&p->host) ? 0 : put(key, p->host.b, p->host.len), m;
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(h, NFTA_LIST_ELEM);

	n += put(key + n, &protocol, sizeof(protocol));
	n += put(key + n, &host_port, sizeof(host_port));
	put_value(h, NFTA_SET_ELEM_KEY, key, n);
	if (add) {
		m = put(value, p->target.b, p->target.len);
		m += put(value + m, &target_port, sizeof(target_port));
		put_value(h, NFTA_SET_ELEM_DATA, value, m);
	}
	mnl_attr_nest_end(h, element);
	mnl_attr_nest_end(h, list);
}

static void add_element(struct batch *batch, const char *table, bool add,
			const struct rules_port *p)
{
	uint16_t what = add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
	struct nlmsghdr *h =
		begin(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what),
		      (uint16_t)(NLM_F_ACK | (add ? NLM_F_CREATE : 0)), NFPROTO_INET, 0);

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, rules_port_map(p));
	put_element(h, add, p);
	end(batch, h);
}

/* Takes the answers of one datagram. Returns how many, or the first error. */
static int take_answers(const char *data, int len)
{
	int n = 0;

	for (const struct nlmsghdr *h = (const void *)data; mnl_nlmsg_ok(h, len);
	     h = mnl_nlmsg_next(h, &len)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type != NLMSG_ERROR)
			continue;
		if (e->error)
			return e->error;
		n++;
	}
	return n;
}

/* Sends the batch and takes n acknowledgements. */
static int exchange(const struct batch *batch, size_t n)
{
	static const struct timeval wait = { .tv_sec = WAIT_S };
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	_Alignas(8) char reply[REPLY_BYTES];
	size_t answers = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    send(fd, batch->data, batch->len, 0) < 0)
		return -errno;
	while (answers < n) {
		ssize_t got = recv(fd, reply, sizeof(reply), 0);
		int r = got < 0 ? -errno : take_answers(reply, (int)got);

		if (r < 0 && r != -EINTR)
			return r;
		answers += r > 0 ? (size_t)r : 0;
	}
	return 0;
}

int nftport_change(const char *table, bool add, const struct rules_port *ports, size_t n,
		   struct err *err)
{
	cleanup_free char *data = malloc((n + 2) * ELEMENT_BYTES);
	struct batch batch = { .data = data };
	int r = n > NFTPORT_MAX ? -EMSGSIZE : data ? 0 : -ENOMEM;

	if (r < 0)
		return err_sys(err, r, "change the published ports");
	end(&batch, begin(&batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	for (size_t i = 0; i < n; i++)
		add_element(&batch, table, add, &ports[i]);
	end(&batch, begin(&batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	r = exchange(&batch, n);
	return r < 0 ? err_sys(err, r, "change the published ports") : 0;
}

int nftport_table(const char *table)
{
	_Alignas(8) char data[ELEMENT_BYTES];
	struct batch batch = { .data = data };
	struct nlmsghdr *h = begin(&batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE),
				   NLM_F_ACK, NFPROTO_INET, 0);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
	end(&batch, h);
	return exchange(&batch, 1);
}
