/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "dockerjson.h"
#include "str.h"

static json_t *text(const char *s)
{
	json_t *v = json_string(s);

	return v ? v : json_string("");
}

static json_t *pool(const Cleat__V1__AddressPool *p)
{
	json_t *o = json_object(), *auxiliary = json_object();

	json_object_set_new(o, "Subnet", text(p->subnet));
	if (p->ip_range[0] && strcmp(p->ip_range, p->subnet) != 0)
		json_object_set_new(o, "IPRange", text(p->ip_range));
	json_object_set_new(o, "Gateway", text(p->gateway));
	for (size_t i = 0; i < p->n_auxiliary; i++)
		json_object_set_new(auxiliary, p->auxiliary[i]->key, text(p->auxiliary[i]->value));
	if (p->n_auxiliary)
		json_object_set_new(o, "AuxiliaryAddresses", auxiliary);
	else
		json_decref(auxiliary);
	return o;
}

static json_t *ipam(const Cleat__V1__NetworkDetails *n)
{
	json_t *config = json_array();

	for (size_t i = 0; i < n->n_pools; i++)
		json_array_append_new(config, pool(n->pools[i]));
	return json_pack("{s:s, s:n, s:o}", "Driver", "default", "Options", "Config", config);
}

static json_t *address(const char *ip, uint32_t prefix)
{
	return ip[0] ? json_sprintf("%s/%u", ip, prefix) : json_string("");
}

static json_t *members(const Cleat__V1__NetworkDetails *n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n->n_members; i++) {
		const Cleat__V1__NetworkDetails__Member *m = n->members[i];
		const Cleat__V1__EndpointStatus *e = m->endpoint;

		if (e)
			json_object_set_new(
				o, m->container_id,
				json_pack("{s:o, s:o, s:o, s:o, s:o}", "Name", text(m->name),
					  "EndpointID", text(e->endpoint_id), "MacAddress",
					  text(e->mac_address), "IPv4Address",
					  address(e->ip_address, e->ip_prefix_len), "IPv6Address",
					  address(e->ipv6_address, e->ipv6_prefix_len)));
	}
	return o;
}

json_t *dockerjson_network(const Cleat__V1__NetworkDetails *n)
{
	json_t *o = json_object(), *options = json_object(), *labels = json_object();
	char time[STR_TIME_MAX];

	str_format_time(n->created_ns, time);
	for (size_t i = 0; i < n->n_options; i++)
		json_object_set_new(options, n->options[i]->key, text(n->options[i]->value));
	for (size_t i = 0; i < n->n_labels; i++)
		json_object_set_new(labels, n->labels[i]->key, text(n->labels[i]->value));
	json_object_set_new(o, "Name", text(n->name));
	json_object_set_new(o, "Id", text(n->id));
	json_object_set_new(o, "Created", text(time));
	json_object_set_new(o, "Scope", text(n->scope));
	json_object_set_new(o, "Driver", text(n->driver));
	json_object_set_new(o, "EnableIPv4", json_true());
	json_object_set_new(o, "EnableIPv6", json_boolean(n->ipv6));
	json_object_set_new(o, "IPAM", ipam(n));
	json_object_set_new(o, "Internal", json_boolean(n->internal));
	json_object_set_new(o, "Attachable", json_boolean(n->attachable));
	json_object_set_new(o, "Ingress", json_false());
	json_object_set_new(o, "ConfigFrom", json_pack("{s:s}", "Network", ""));
	json_object_set_new(o, "ConfigOnly", json_false());
	json_object_set_new(o, "Containers", members(n));
	json_object_set_new(o, "Options", options);
	json_object_set_new(o, "Labels", labels);
	return o;
}

json_t *dockerjson_links(const Cleat__V1__ContainerDetails *container)
{
	const Cleat__V1__ContainerConfig *c = container->config;
	json_t *links = c->n_links ? json_array() : json_null();

	for (size_t i = 0; i < c->n_links; i++) {
		const char *link = c->links[i], *colon = strchr(link, ':');

		if (colon && strcmp(c->network_mode, "bridge") == 0)
			json_array_append_new(links,
					      json_sprintf("/%.*s:/%s/%s", (int)(colon - link),
							   link, container->name, colon + 1));
		else
			json_array_append_new(links, text(link));
	}
	return links;
}
