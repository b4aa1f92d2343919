/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsmsg.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_address addresses[40] = { { .family = AF_INET }, { .family = AF_INET6 } };
	struct dns_answers answers = { .addresses = addresses,
				       .n_addresses = size % ARRAY_LEN(addresses) };
	uint8_t reply[DNS_EDNS_MAX];
	struct dns_query query;
	size_t n;

	if (dns_parse(data, size, &query) < 0)
		return 0;
	if (dns_reverse(query.name, &addresses[0]) || answers.n_addresses == 0)
		answers = (struct dns_answers){ .name = query.name };
	n = dns_reply(data, &query, DNS_NOERROR, &answers, reply, query.udp_max);
	if (n > query.udp_max || !dns_is_reply(reply, n, data, &query))
		__builtin_trap();
	return 0;
}
