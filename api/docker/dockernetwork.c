/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "dockerjson.h"
#include "jsonmake.h"
#include "str.h"

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

static void port_key(uint32_t port, const char *protocol, char out[32])
{
	snprintf(out, 32, "%u/%.10s", port, protocol[0] ? protocol : "tcp");
}

void dockerjson_add_port(json_t *ports, uint32_t port, const char *protocol, const char *ip,
			 uint32_t host, uint32_t last)
{
	char key[32], number[16];
	json_t *bindings, *b;

	port_key(port, protocol, key);
	bindings = json_object_get(ports, key);
	if (!json_is_array(bindings)) {
		set(ports, key, json_array());
		bindings = json_object_get(ports, key);
	}
	b = json_object();
	snprintf(number, sizeof(number), last ? "%u-%u" : "%u", host, last);
	set(b, "HostIp", text(ip));
	set(b, "HostPort", text(host ? number : ""));
	json_array_append_new(bindings, b);
}

/* What was asked for in the network, null = nothing. */
static json_t *ipam_config(const Cleat__V1__ContainerConfig *c, const char *network)
{
	const Cleat__V1__EndpointConfig *e = NULL;
	json_t *o;

	for (size_t i = 0; c && i < c->n_endpoints; i++)
		if (strcmp(c->endpoints[i]->network, network) == 0)
			e = c->endpoints[i];
	if (!e || (!e->ipv4_address[0] && !e->ipv6_address[0]))
		return json_null();
	o = json_object();
	if (e->ipv4_address[0])
		set(o, "IPv4Address", text(e->ipv4_address));
	if (e->ipv6_address[0])
		set(o, "IPv6Address", text(e->ipv6_address));
	return o;
}

static void set_addresses(json_t *o, const Cleat__V1__EndpointStatus *e)
{
	set(o, "EndpointID", text(e->endpoint_id));
	set(o, "Gateway", text(e->gateway));
	set(o, "IPAddress", text(e->ip_address));
	set(o, "IPPrefixLen", json_integer(e->ip_prefix_len));
	set(o, "IPv6Gateway", text(e->ipv6_gateway));
	set(o, "GlobalIPv6Address", text(e->ipv6_address));
	set(o, "GlobalIPv6PrefixLen", json_integer(e->ipv6_prefix_len));
	set(o, "MacAddress", text(e->mac_address));
}

static json_t *endpoint(const Cleat__V1__EndpointStatus *e, const Cleat__V1__ContainerConfig *c)
{
	json_t *o = json_object();

	set(o, "IPAMConfig", ipam_config(c, e->network));
	set(o, "DriverOpts", json_null());
	set(o, "Aliases", list(e->aliases, e->n_aliases));
	set(o, "NetworkID", text(e->network_id));
	set_addresses(o, e);
	set(o, "DNSNames", list(e->dns_names, e->n_dns_names));
	set(o, "Links", list(e->links, e->n_links));
	return o;
}

json_t *dockerjson_networks(Cleat__V1__EndpointStatus *const *endpoints, size_t n,
			    const Cleat__V1__ContainerConfig *config)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++)
		set(o, endpoints[i]->network, endpoint(endpoints[i], config));
	return o;
}

/* The settings beside the networks are those of the default one, and what never was. */
static void set_default_network(json_t *o, const Cleat__V1__ContainerDetails *c)
{
	Cleat__V1__EndpointStatus none = CLEAT__V1__ENDPOINT_STATUS__INIT;
	const Cleat__V1__EndpointStatus *e = &none;

	for (size_t i = 0; i < c->n_networks; i++)
		if (strcmp(c->networks[i]->network, "bridge") == 0)
			e = c->networks[i];
	set_addresses(o, e);
	json_object_update_missing_new(
		o, json_pack("{s:s, s:s, s:s, s:b, s:s, s:i, s:n, s:n}", "Bridge", "", "SandboxID",
			     "", "SandboxKey", "", "HairpinMode", 0, "LinkLocalIPv6Address", "",
			     "LinkLocalIPv6PrefixLen", 0, "SecondaryIPAddresses",
			     "SecondaryIPv6Addresses"));
}

json_t *dockerjson_network_settings(const Cleat__V1__ContainerDetails *c)
{
	json_t *o = json_object(), *ports = json_object();
	char key[32];

	for (size_t i = 0; i < c->n_ports; i++) {
		if (c->ports[i]->host_port) {
			dockerjson_add_port(ports, c->ports[i]->container_port,
					    c->ports[i]->protocol, c->ports[i]->host_ip,
					    c->ports[i]->host_port, 0);
			continue;
		}
		port_key(c->ports[i]->container_port, c->ports[i]->protocol, key);
		if (!json_object_get(ports, key))
			set(ports, key, json_null());
	}
	set(o, "Ports", ports);
	set_default_network(o, c);
	set(o, "Networks", dockerjson_networks(c->networks, c->n_networks, c->config));
	return o;
}
