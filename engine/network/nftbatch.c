/* SPDX-License-Identifier: Apache-2.0 */
#include "nftbatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

enum { REPLY_BYTES = 16384, WAIT_S = 10 };

static struct nlmsghdr *begin(struct nftbatch *batch, uint16_t type, uint16_t flags, uint8_t family,
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

void nftbatch_end(struct nftbatch *batch, const struct nlmsghdr *h)
{
	batch->len += (h->nlmsg_len + 3u) & ~3u;
}

void nftbatch_open(struct nftbatch *batch)
{
	nftbatch_end(batch, begin(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

/* Who does his work well says so once, at the end; an error comes in any case. */
void nftbatch_close(struct nftbatch *batch)
{
	batch->last->nlmsg_flags |= NLM_F_ACK;
	nftbatch_end(batch, begin(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

struct nlmsghdr *nftbatch_begin(struct nftbatch *batch, uint16_t what, uint16_t flags,
				uint8_t family)
{
	batch->last = begin(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), flags, family, 0);
	return batch->last;
}

void nftbatch_put_value(struct nlmsghdr *h, uint16_t type, const void *value, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(h, type);

	mnl_attr_put(h, NFTA_DATA_VALUE, n, value);
	mnl_attr_nest_end(h, nest);
}

/* 1 = a datagram has the acknowledgement, 0 = it has not, or its first error. */
static int take_answers(const char *data, int len)
{
	for (const struct nlmsghdr *h = (const void *)data; mnl_nlmsg_ok(h, len);
	     h = mnl_nlmsg_next(h, &len)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type == NLMSG_ERROR)
			return e->error ? e->error : 1;
	}
	return 0;
}

int nftbatch_send(const struct nftbatch *batch, int fd)
{
	static const struct timeval wait = { .tv_sec = WAIT_S };
	cleanup_fd int own = -1;
	_Alignas(8) char reply[REPLY_BYTES];
	int r = 0;

	if (fd < 0)
		fd = own = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    send(fd, batch->data, batch->len, 0) < 0)
		return -errno;
	while (r == 0 || r == -EINTR) {
		ssize_t got = recv(fd, reply, sizeof(reply), 0);

		r = got < 0 ? -errno : take_answers(reply, (int)got);
	}
	return r < 0 ? r : 0;
}
