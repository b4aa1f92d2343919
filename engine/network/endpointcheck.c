/* SPDX-License-Identifier: Apache-2.0 */
#include "endpointcheck.h"

#include <string.h>

#include "linktext.h"
#include "netnames.h"

/* A wanted address must be of the network's and not the gateway's. */
static int check_address(const struct network *network, const char *text, int family,
			 struct err *err)
{
	const struct network_pool *pool = &network->pools[family];
	struct addr addr;

	if (!text[0])
		return 0;
	if (addr_parse(text, &addr) < 0 || addr.len != (family ? 16 : 4))
		return err_set(err, ERR_INVALID, "invalid %s address: %.60s",
			       family ? "IPv6" : "IPv4", text);
	if (strcmp(network->driver, "bridge") != 0 || strcmp(network->name, "bridge") == 0)
		return err_set(err, ERR_INVALID,
			       "user specified IP address is supported on user defined networks "
			       "only");
	if (!pool->subnet.addr.len || !subnet_contains(&pool->subnet, &addr) ||
	    addr_equal(&addr, &pool->gateway))
		return err_set(err, ERR_INVALID,
			       "invalid address %s: it is not one of the network %.80s's for "
			       "containers",
			       text, network->name);
	return 0;
}

static int check_names(const struct network *network, const Cleat__V1__EndpointConfig *config,
		       struct err *err)
{
	struct linktext link;

	if (config->n_aliases && !netnames_has(network))
		return err_set(err, ERR_INVALID,
			       "network-scoped alias is supported only for containers in user "
			       "defined networks");
	for (size_t i = 0; i < config->n_aliases; i++)
		if (!linktext_is_word(config->aliases[i]))
			return err_set(err, ERR_INVALID, "invalid network alias: \"%.80s\"",
				       config->aliases[i]);
	for (size_t i = 0; i < config->n_links; i++)
		if (linktext_parse(config->links[i], &link) < 0)
			return err_set(err, ERR_INVALID, "bad format for links: \"%.80s\"",
				       config->links[i]);
	return 0;
}

int endpointcheck(const struct network *network, const Cleat__V1__EndpointConfig *config,
		  struct err *err)
{
	uint8_t mac[6];
	int r = check_address(network, config->ipv4_address, 0, err);

	r = r ? r : check_address(network, config->ipv6_address, 1, err);
	r = r ? r : check_names(network, config, err);
	if (r == 0 && config->mac_address[0] && mac_parse(config->mac_address, mac) < 0)
		return err_set(err, ERR_INVALID, "invalid MAC address: %.60s", config->mac_address);
	return r;
}
