/* SPDX-License-Identifier: Apache-2.0 */
/* The script that these messages stand for:
 *	table ip cleat { chain names {
 *		type filter hook output priority mangle
 *		ip daddr 127.0.0.11 udp dport 53 udp dport set 553
 *		ip saddr 127.0.0.11 udp sport 553 udp sport set 53
 *	} }
 * and the same for TCP. */
#include "nftnames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "nftbatch.h"

enum { BATCH_BYTES = 8192, DNS_PORT = 53 };

static const char table[] = "cleat", chain[] = "names";

/* A field of a packet. */
struct field {
	uint32_t base, offset, len;
};

struct expression {
	struct nlmsghdr *h;
	struct nlattr *element, *data;
};

static struct expression open_expression(struct nlmsghdr *h, const char *name)
{
	struct expression e = { .h = h, .element = mnl_attr_nest_start(h, NFTA_LIST_ELEM) };

	mnl_attr_put_strz(h, NFTA_EXPR_NAME, name);
	e.data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
	return e;
}

static void close_expression(const struct expression *e)
{
	mnl_attr_nest_end(e->h, e->data);
	mnl_attr_nest_end(e->h, e->element);
}

static void put_number(struct nlmsghdr *h, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(h, type, htonl(value));
}

static void put_field(struct nlmsghdr *h, const struct field *field)
{
	put_number(h, NFTA_PAYLOAD_BASE, field->base);
	put_number(h, NFTA_PAYLOAD_OFFSET, field->offset);
	put_number(h, NFTA_PAYLOAD_LEN, field->len);
}

static void compare(struct nlmsghdr *h, const void *value, size_t n)
{
	struct expression e = open_expression(h, "cmp");

	put_number(h, NFTA_CMP_SREG, NFT_REG_1);
	put_number(h, NFTA_CMP_OP, NFT_CMP_EQ);
	nftbatch_put_value(h, NFTA_CMP_DATA, value, n);
	close_expression(&e);
}

static void match(struct nlmsghdr *h, const struct field *field, const void *value)
{
	struct expression e = open_expression(h, "payload");

	put_number(h, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_field(h, field);
	close_expression(&e);
	compare(h, value, field->len);
}

static void match_protocol(struct nlmsghdr *h, uint8_t protocol)
{
	struct expression e = open_expression(h, "meta");

	put_number(h, NFTA_META_DREG, NFT_REG_1);
	put_number(h, NFTA_META_KEY, NFT_META_L4PROTO);
	close_expression(&e);
	compare(h, &protocol, sizeof(protocol));
}

static void set(struct nlmsghdr *h, const struct field *field, const void *value,
		uint32_t checksum_offset)
{
	struct expression e = open_expression(h, "immediate");

	put_number(h, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	nftbatch_put_value(h, NFTA_IMMEDIATE_DATA, value, field->len);
	close_expression(&e);
	e = open_expression(h, "payload");
	put_number(h, NFTA_PAYLOAD_SREG, NFT_REG_1);
	put_field(h, field);
	put_number(h, NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
	put_number(h, NFTA_PAYLOAD_CSUM_OFFSET, checksum_offset);
	close_expression(&e);
}

/* Of what goes there, or (reply) comes from there. */
static void add_rule(struct nftbatch *batch, uint8_t protocol, bool reply)
{
	static const uint8_t server[] = { 127, 0, 0, 11 };
	const uint16_t from = htons(reply ? NFTNAMES_PORT : DNS_PORT);
	const uint16_t to = htons(reply ? DNS_PORT : NFTNAMES_PORT);
	const struct field address = { NFT_PAYLOAD_NETWORK_HEADER,
				       reply ? offsetof(struct iphdr, saddr)
					     : offsetof(struct iphdr, daddr),
				       sizeof(server) };
	/* source and destination port are the first that UDP and TCP have */
	const struct field port = { NFT_PAYLOAD_TRANSPORT_HEADER, reply ? 0 : sizeof(from),
				    sizeof(from) };
	struct nlmsghdr *h =
		nftbatch_begin(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFPROTO_IPV4);
	struct nlattr *list;

	mnl_attr_put_strz(h, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
	list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
	match(h, &address, server);
	match_protocol(h, protocol);
	match(h, &port, &from);
	set(h, &port, &to,
	    protocol == IPPROTO_UDP ? offsetof(struct udphdr, uh_sum)
				    : offsetof(struct tcphdr, th_sum));
	mnl_attr_nest_end(h, list);
	nftbatch_end(batch, h);
}

static void add_chain(struct nftbatch *batch)
{
	struct nlmsghdr *h = nftbatch_begin(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, NFPROTO_IPV4);
	struct nlattr *hook;

	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, chain);
	hook = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
	put_number(h, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT);
	put_number(h, NFTA_HOOK_PRIORITY, (uint32_t)NF_IP_PRI_MANGLE);
	mnl_attr_nest_end(h, hook);
	mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, "filter");
	nftbatch_end(batch, h);
}

static void make_empty_chain(struct nftbatch *batch)
{
	struct nlmsghdr *h = nftbatch_begin(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, NFPROTO_IPV4);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
	nftbatch_end(batch, h);
	add_chain(batch);
	h = nftbatch_begin(batch, NFT_MSG_DELRULE, 0, NFPROTO_IPV4);
	mnl_attr_put_strz(h, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
	nftbatch_end(batch, h);
}

int nftnames_lead(int nftables, struct err *err)
{
	cleanup_free char *data = calloc(1, BATCH_BYTES);
	struct nftbatch batch = { .data = data };
	int r;

	if (!data)
		return err_sys(err, ENOMEM, "lead questions to the name server");
	nftbatch_open(&batch);
	make_empty_chain(&batch);
	for (int reply = 0; reply < 2; reply++) {
		add_rule(&batch, IPPROTO_UDP, reply);
		add_rule(&batch, IPPROTO_TCP, reply);
	}
	nftbatch_close(&batch);
	r = nftbatch_send(&batch, nftables);
	return r < 0 ? err_sys(err, r, "lead questions to the name server") : 0;
}
