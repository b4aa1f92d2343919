/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values are concatenations as nftables has them in its registers: each part begins at a multiple of four
 * bytes. */
#include "nftport.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "nftbatch.h"

enum { ELEMENT_BYTES = 256 };

static size_t put(uint8_t *at, const void *data, size_t n)
{
	memset(at, 0, (n + 3) & ~(size_t)3);
	memcpy(at, data, n);
	return (n + 3) & ~(size_t)3;
}

static uint8_t protocol_number(const char *name)
{
	return strcmp(name, "udp") == 0    ? IPPROTO_UDP
	       : strcmp(name, "sctp") == 0 ? IPPROTO_SCTP
					   : IPPROTO_TCP;
}

/* A deletion waits until no processor can still be looking at the element, which takes 10 ms and more with the caller's
 * lock held. Since 6.12 the timeout of an element can be changed, which takes 0.01 ms: it is told to expire. One that is added again before it
 * did is told to stay: without a timeout of its own an element gets the map's, which has none. */
static bool can_expire(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 12));
}

enum how { ADD, EXPIRE, DELETE };

static void put_element(struct nlmsghdr *h, enum how how, const struct rules_port *p)
{
	const uint16_t host_port = htons(p->host_port), target_port = htons(p->target_port);
	const uint8_t protocol = protocol_number(p->protocol);
	uint8_t key[24], value[20];
	size_t n = rules_is_every(&p->host) ? 0 : put(key, p->host.b, p->host.len), m;
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(h, NFTA_LIST_ELEM);

	n += put(key + n, &protocol, sizeof(protocol));
	n += put(key + n, &host_port, sizeof(host_port));
	nftbatch_put_value(h, NFTA_SET_ELEM_KEY, key, n);
	if (how == EXPIRE)
		mnl_attr_put_u64(h, NFTA_SET_ELEM_TIMEOUT, htobe64(1));
	if (how != DELETE) {
		m = put(value, p->target.b, p->target.len);
		m += put(value + m, &target_port, sizeof(target_port));
		nftbatch_put_value(h, NFTA_SET_ELEM_DATA, value, m);
	}
	mnl_attr_nest_end(h, element);
	mnl_attr_nest_end(h, list);
}

static void add_element(struct nftbatch *batch, const char *table, enum how how,
			const struct rules_port *p)
{
	struct nlmsghdr *h =
		nftbatch_begin(batch, how == DELETE ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
			       how == DELETE ? 0 : NLM_F_CREATE, NFPROTO_INET);

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, rules_port_map(p));
	put_element(h, how, p);
	nftbatch_end(batch, h);
}

int nftport_change(const char *table, bool add, const struct rules_port *ports, size_t n,
		   struct err *err)
{
	cleanup_free char *data = malloc((n + 2) * ELEMENT_BYTES);
	struct nftbatch batch = { .data = data };
	const enum how how = add ? ADD : can_expire() ? EXPIRE : DELETE;
	int r = n > NFTPORT_MAX ? -EMSGSIZE : data ? 0 : -ENOMEM;

	if (r < 0)
		return err_sys(err, r, "change the published ports");
	nftbatch_open(&batch);
	for (size_t i = 0; i < n; i++)
		add_element(&batch, table, how, &ports[i]);
	nftbatch_close(&batch);
	r = nftbatch_send(&batch, -1);
	return r < 0 ? err_sys(err, r, "change the published ports") : 0;
}

int nftport_table(const char *table)
{
	_Alignas(8) char data[ELEMENT_BYTES];
	struct nftbatch batch = { .data = data };
	struct nlmsghdr *h = nftbatch_begin(&batch, NFT_MSG_GETTABLE, 0, NFPROTO_INET);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
	h->nlmsg_flags |= NLM_F_ACK;
	nftbatch_end(&batch, h);
	return nftbatch_send(&batch, -1);
}
