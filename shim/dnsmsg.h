/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages as a container's resolver meets them (RFC 1035, RFC 3596, RFC 6891): a query is read, a reply
 * with addresses or names is written. What is no plain query is told apart, not understood. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

enum {
	DNS_NAME_MAX = 254,  /* a name as text with its NUL: 253 characters */
	DNS_HEADER = 12,     /* bytes before the question */
	DNS_UDP_MAX = 512,   /* of a reply by UDP to a client without EDNS */
	DNS_EDNS_MAX = 4096, /* and with it, whatever the client offers */
	DNS_QUERY_MAX = 512, /* of a query: a name, and what options clients send */
	DNS_TCP_MAX = 65535,
	DNS_TTL_S = 5, /* of what is told here: a name moves when its container is made anew */
};

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_PTR = 12, DNS_TYPE_AAAA = 28, DNS_TYPE_ANY = 255 };

/* Response codes, RFC 1035 4.1.1. */
enum dns_code {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
};

struct dns_query {
	uint16_t type;
	bool internet; /* class IN */
	bool edns;
	char name
		[DNS_NAME_MAX]; /* lower-case, without the last dot; '?' stands for what no name of ours has */
	size_t question_end; /* bytes of header and question; DNS_HEADER: there was no question */
	size_t udp_max;      /* most bytes that the client takes by UDP */
};

struct dns_address {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

/* Reads a message of n bytes (at most DNS_QUERY_MAX are looked at). 0; -EBADMSG: it is no query and gets no
 * answer; -EINVAL: a broken one (DNS_FORMERR); -EOPNOTSUPP: another operation (DNS_NOTIMP). *query is good for
 * dns_reply() in all cases but -EBADMSG. */
int dns_parse(const uint8_t *message, size_t n, struct dns_query *query) must_check;

/* The address that a name of in-addr.arpa or ip6.arpa asks for; false: it is another name, or a part of one. */
bool dns_reverse(const char *name, struct dns_address *address) must_check;

/* What a reply tells: addresses, or (n_addresses 0) the name of one, or nothing (name NULL). */
struct dns_answers {
	const struct dns_address *addresses;
	size_t n_addresses;
	const char *name;
};

/* Writes the reply to `message`, of which `query` was read, into out[max] (max >= DNS_UDP_MAX) and returns its
 * length. Answers that do not fit are left out, and the reply says so (TC): the client asks again by TCP. */
size_t dns_reply(const uint8_t *message, const struct dns_query *query, enum dns_code code,
		 const struct dns_answers *answers, uint8_t *out, size_t max) must_check;

/* Whether `reply` (n bytes) is one to `message`, of which `query` was read: same id, same question. */
bool dns_is_reply(const uint8_t *reply, size_t n, const uint8_t *message,
		  const struct dns_query *query) must_check;
/* The code of a message that dns_is_reply() took. */
enum dns_code dns_reply_code(const uint8_t *reply) must_check;
