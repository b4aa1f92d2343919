/* SPDX-License-Identifier: Apache-2.0 */
#include "dnswishes.h"

static struct resolvconf_list choose(char *const *own, size_t n, const struct config_list *defaults,
				     char *room[CONFIG_LIST_MAX])
{
	if (n)
		return (struct resolvconf_list){ own, n };
	for (size_t i = 0; i < defaults->n; i++)
		room[i] = (char *)(uintptr_t)defaults->v[i];
	return (struct resolvconf_list){ room, defaults->n };
}

void dnswishes_of(const struct config *defaults, const Cleat__V1__ContainerConfig *config,
		  struct dnswishes *out)
{
	struct resolvconf_wishes *w = &out->wishes;

	w->servers = choose(config->dns, config->n_dns, &defaults->dns, out->defaults[0]);
	w->search = choose(config->dns_search, config->n_dns_search, &defaults->dns_search,
			   out->defaults[1]);
	w->options = choose(config->dns_options, config->n_dns_options, &defaults->dns_options,
			    out->defaults[2]);
}
