/* SPDX-License-Identifier: Apache-2.0 */
/* A packet to a published port gets the container's address before it is routed; that it did (ct status dnat) is what
 * lets it into a network. What was sent to a container's address directly is dropped, so a port that is published at
 * 127.0.0.1 is not to be had from elsewhere. Packets to 127.0.0.0/8 that came by a wire are not looked up at all: the
 * kernel drops them.
 *
 * Who reaches itself or a neighbour by the host's address gets its own network's gateway as the peer's address, else the
 * answer would go past the host. The same for the host itself, whose 127.0.0.1 means another in the container.
 *
 * The order within a chain is that of cost: what every packet passes is a comparison or two, and a set is looked up by
 * the first packet of a connection. Where the kernel shows bridged packets to these hooks (br_netfilter), two
 * containers that talk pay for each rule as well. */
#include "rules.h"

static const char skeleton[] =
	"	set bridges { type ifname; }\n"
	"	set same { type ifname . ifname; }\n"
	"	set internal { type ifname; }\n"
	"	set own4 { type ifname . ipv4_addr; flags interval; }\n"
	"	set own6 { type ifname . ipv6_addr; flags interval; }\n"
	"	set nat4 { type ipv4_addr; flags interval; }\n"
	"	set nat6 { type ipv6_addr; flags interval; }\n"
	"	map ports4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . "
	"inet_service; flags timeout; }\n"
	"	map ports6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . "
	"inet_service; flags timeout; }\n"
	"	map every4 { type inet_proto . inet_service : ipv4_addr . inet_service; flags "
	"timeout; }\n"
	"	map every6 { type inet_proto . inet_service : ipv6_addr . inet_service; flags "
	"timeout; }\n"
	"	chain guard {\n"
	"		type filter hook prerouting priority raw; policy accept;\n"
	"		ip daddr 127.0.0.0/8 iifname @bridges drop\n"
	"		ip saddr 127.0.0.0/8 iifname @bridges drop\n"
	"	}\n"
	"	chain published {\n"
	"		dnat ip addr . port to ip daddr . meta l4proto . th dport map @ports4\n"
	"		dnat ip addr . port to meta l4proto . th dport map @every4\n"
	"		dnat ip6 addr . port to ip6 daddr . meta l4proto . th dport map @ports6\n"
	"		dnat ip6 addr . port to meta l4proto . th dport map @every6\n"
	"	}\n"
	"	chain arriving {\n"
	"		type nat hook prerouting priority dstnat; policy accept;\n"
	"		iifname != \"lo\" ip daddr 127.0.0.0/8 return\n"
	"		fib daddr type local jump published\n"
	"	}\n"
	"	chain leaving {\n"
	"		type nat hook output priority -100; policy accept;\n"
	"		ip6 daddr ::1 return\n"
	"		fib daddr type local jump published\n"
	"	}\n"
	"	chain forwarded {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		ct state established,related accept\n"
	"		iifname . oifname @same accept\n"
	"		oifname @bridges jump inward\n"
	"		iifname @internal drop\n"
	"	}\n"
	"	chain inward {\n"
	"		iifname != @internal oifname != @internal ct status dnat accept\n"
	"		drop\n"
	"	}\n"
	"	chain sources {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"		oifname . ip saddr @own4 ct status dnat masquerade\n"
	"		oifname . ip saddr @own4 return\n"
	"		ip saddr @nat4 masquerade\n"
	"		oifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
	"		oifname . ip6 saddr @own6 ct status dnat masquerade\n"
	"		oifname . ip6 saddr @own6 return\n"
	"		ip6 saddr @nat6 masquerade\n"
	"	}\n";

void rules_drop(struct buf *script, const char *table)
{
	/* one that is not there cannot be deleted */
	buf_printf(script, "add table inet %s\ndelete table inet %s\n", table, table);
}

void rules_begin(struct buf *script, const char *table)
{
	rules_drop(script, table);
	buf_printf(script, "table inet %s {\n%s}\n", table, skeleton);
}

void rules_add_network(struct buf *script, const char *table, const struct rules_network *n)
{
	unsigned family = n->subnet.addr.len == 4 ? 4 : 6;
	char subnet[SUBNET_TEXT_MAX];

	subnet_format(&n->subnet, subnet);
	buf_printf(script, "add element inet %s bridges { \"%s\" }\n", table, n->bridge);
	buf_printf(script, "add element inet %s same { \"%s\" . \"%s\" }\n", table, n->bridge,
		   n->bridge);
	buf_printf(script, "add element inet %s own%u { \"%s\" . %s }\n", table, family, n->bridge,
		   subnet);
	if (n->internal)
		buf_printf(script, "add element inet %s internal { \"%s\" }\n", table, n->bridge);
	else if (n->masquerade)
		buf_printf(script, "add element inet %s nat%u { %s }\n", table, family, subnet);
}

void rules_add_user(struct buf *script, const char *table)
{
	buf_printf(script,
		   "table inet %s {\n"
		   "	chain forward { type filter hook forward priority filter - 5; policy "
		   "accept; }\n"
		   "}\n",
		   table);
}

bool rules_is_every(const struct addr *addr)
{
	for (unsigned i = 0; i < addr->len; i++)
		if (addr->b[i])
			return false;
	return true;
}

const char *rules_port_map(const struct rules_port *port)
{
	if (rules_is_every(&port->host))
		return port->target.len == 4 ? "every4" : "every6";
	return port->target.len == 4 ? "ports4" : "ports6";
}

void rules_add_port(struct buf *script, const char *table, const struct rules_port *p)
{
	char host[ADDR_TEXT_MAX], target[ADDR_TEXT_MAX];

	addr_format(&p->host, host);
	addr_format(&p->target, target);
	buf_printf(script, "add element inet %s %s { ", table, rules_port_map(p));
	if (!rules_is_every(&p->host))
		buf_printf(script, "%s . ", host);
	buf_printf(script, "%s . %u : %s . %u }\n", p->protocol, p->host_port, target,
		   p->target_port);
}
