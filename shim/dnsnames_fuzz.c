/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsnames.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct dns_address servers[DNS_SERVERS_MAX];
	struct dns_found found = { 0 };
	char name[DNS_NAME_MAX];

	dnsnames_find(text, size, "web", AF_INET, &found);
	if (found.n > 0 && !dnsnames_of(text, size, &found.addresses[0], name))
		return 0;
	return dnsnames_servers(text, size, servers) > DNS_SERVERS_MAX;
}
