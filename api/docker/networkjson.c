/* SPDX-License-Identifier: Apache-2.0 */
#include "networkjson.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "jsonfield.h"
#include "str.h"

typedef Cleat__V1__CreateNetworkRequest create_request;

#define AT(type, field) offsetof(type, field)

static const struct jsonfield_rule network_rules[] = {
	{ "Name", JSONFIELD_TEXT, AT(create_request, name), 0 },
	{ "Driver", JSONFIELD_TEXT, AT(create_request, driver), 0 },
	{ "EnableIPv6", JSONFIELD_SWITCH, AT(create_request, ipv6), 0 },
	{ "Internal", JSONFIELD_SWITCH, AT(create_request, internal), 0 },
	{ "Attachable", JSONFIELD_SWITCH, AT(create_request, attachable), 0 },
};

static const struct jsonfield_rule pool_rules[] = {
	{ "Subnet", JSONFIELD_TEXT, AT(Cleat__V1__AddressPool, subnet), 0 },
	{ "Gateway", JSONFIELD_TEXT, AT(Cleat__V1__AddressPool, gateway), 0 },
	{ "IPRange", JSONFIELD_TEXT, AT(Cleat__V1__AddressPool, ip_range), 0 },
};

static const struct jsonfield_rule endpoint_rules[] = {
	{ "Aliases", JSONFIELD_LIST, AT(Cleat__V1__EndpointConfig, aliases),
	  AT(Cleat__V1__EndpointConfig, n_aliases) },
	{ "Links", JSONFIELD_LIST, AT(Cleat__V1__EndpointConfig, links),
	  AT(Cleat__V1__EndpointConfig, n_links) },
	{ "MacAddress", JSONFIELD_TEXT, AT(Cleat__V1__EndpointConfig, mac_address), 0 },
};

static const struct jsonfield_rule ipam_rules[] = {
	{ "IPv4Address", JSONFIELD_TEXT, AT(Cleat__V1__EndpointConfig, ipv4_address), 0 },
	{ "IPv6Address", JSONFIELD_TEXT, AT(Cleat__V1__EndpointConfig, ipv6_address), 0 },
};

/* Every map<string, string> entry has this shape. */
struct pair {
	ProtobufCMessage base;
	char *key, *value;
};

/* An object of strings into the map whose list and count are at `list` and `n`. */
static int add_pairs(json_t *object, const char *what, const ProtobufCMessageDescriptor *type,
		     void *list, size_t *n, struct err *err)
{
	struct pair **entries = calloc(json_object_size(object) + 1, sizeof(*entries));
	const char *key;
	json_t *value;

	if (!entries)
		return jsonfield_no_memory(err);
	*(struct pair ***)list = entries;
	json_object_foreach(object, key, value)
	{
		struct pair *entry = json_is_string(value) ? malloc(type->sizeof_message) : NULL;

		if (!entry)
			return jsonfield_wrong(what, "strings as values", err);
		protobuf_c_message_init(type, entry);
		entries[(*n)++] = entry;
		entry->key = strdup(key);
		entry->value = strdup(json_string_value(value));
		if (!entry->key || !entry->value)
			return jsonfield_no_memory(err);
	}
	return 0;
}

static int add_pool(json_t *item, create_request *out, struct err *err)
{
	Cleat__V1__AddressPool *pool = malloc(sizeof(*pool));
	int r;

	if (!pool)
		return jsonfield_no_memory(err);
	cleat__v1__address_pool__init(pool);
	out->pools[out->n_pools++] = pool;
	r = jsonfield_apply(pool_rules, ARRAY_LEN(pool_rules), item, pool, err);
	return r ? r
		 : add_pairs(json_object_get(item, "AuxiliaryAddresses"), "AuxiliaryAddresses",
			     &cleat__v1__address_pool__auxiliary_entry__descriptor,
			     &pool->auxiliary, &pool->n_auxiliary, err);
}

static int add_pools(json_t *ipam, create_request *out, struct err *err)
{
	json_t *list = json_object_get(ipam, "Config"), *item;
	const char *driver = json_string_value(json_object_get(ipam, "Driver"));
	size_t i;
	int r = 0;

	if (driver && driver[0] && strcmp(driver, "default") != 0)
		return err_set(err, ERR_UNIMPLEMENTED, "IPAM driver \"%.60s\": not supported",
			       driver);
	out->pools = calloc(json_array_size(list) + 1, sizeof(*out->pools));
	if (!out->pools)
		return jsonfield_no_memory(err);
	json_array_foreach(list, i, item)
	{
		if (!json_is_object(item))
			return jsonfield_wrong("IPAM.Config", "objects", err);
		/* docker-py sends empty ones */
		if (r == 0 && json_object_size(item))
			r = add_pool(item, out, err);
	}
	return r;
}

static int fill(json_t *body, create_request *out, struct err *err)
{
	int r = jsonfield_apply(network_rules, ARRAY_LEN(network_rules), body, out, err);

	r = r ? r : add_pools(json_object_get(body, "IPAM"), out, err);
	r = r ? r
	      : add_pairs(json_object_get(body, "Options"), "Options",
			  &cleat__v1__create_network_request__options_entry__descriptor,
			  &out->options, &out->n_options, err);
	return r ? r
		 : add_pairs(json_object_get(body, "Labels"), "Labels",
			     &cleat__v1__create_network_request__labels_entry__descriptor,
			     &out->labels, &out->n_labels, err);
}

int networkjson_parse(json_t *body, create_request **out, struct err *err)
{
	create_request *request = malloc(sizeof(*request));
	int r;

	if (!request)
		return jsonfield_no_memory(err);
	cleat__v1__create_network_request__init(request);
	r = fill(body, request, err);
	if (r < 0)
		cleat__v1__create_network_request__free_unpacked(request, NULL);
	else
		*out = request;
	return r;
}

static int fill_endpoint(json_t *settings, Cleat__V1__EndpointConfig *out, struct err *err)
{
	json_t *ipam = json_object_get(settings, "IPAMConfig");
	int r = jsonfield_apply(endpoint_rules, ARRAY_LEN(endpoint_rules), settings, out, err);

	r = r ? r
	      : jsonfield_small(settings, "GwPriority", INT32_MIN, INT32_MAX,
				&out->gateway_priority, err);
	if (r == 0 && json_is_object(ipam))
		r = jsonfield_apply(ipam_rules, ARRAY_LEN(ipam_rules), ipam, out, err);
	return r;
}

int networkjson_endpoint(json_t *settings, const char *network, Cleat__V1__EndpointConfig **out,
			 struct err *err)
{
	Cleat__V1__EndpointConfig *endpoint = malloc(sizeof(*endpoint));
	int r;

	if (!endpoint)
		return jsonfield_no_memory(err);
	cleat__v1__endpoint_config__init(endpoint);
	r = jsonfield_text(&endpoint->network, network, err);
	if (r == 0 && json_is_object(settings))
		r = fill_endpoint(settings, endpoint, err);
	else if (r == 0 && settings && !json_is_null(settings))
		r = jsonfield_wrong("EndpointConfig", "an object", err);
	if (r < 0)
		cleat__v1__endpoint_config__free_unpacked(endpoint, NULL);
	else
		*out = endpoint;
	return r;
}

int networkjson_endpoints(json_t *endpoints, Cleat__V1__ContainerConfig *config, struct err *err)
{
	const char *network;
	json_t *settings;

	config->endpoints = calloc(json_object_size(endpoints) + 1, sizeof(*config->endpoints));
	if (!config->endpoints)
		return jsonfield_no_memory(err);
	json_object_foreach(endpoints, network, settings)
	{
		int r = networkjson_endpoint(settings, network,
					     &config->endpoints[config->n_endpoints], err);

		if (r < 0)
			return r;
		config->n_endpoints++;
	}
	return 0;
}

static int bad_port(const char *text, struct err *err)
{
	return err_set(err, ERR_INVALID, "invalid port specification: \"%.60s\"", text);
}

/* "80", "8000-8010", "" */
static int parse_range(const char *text, uint32_t *first, uint32_t *last, struct err *err)
{
	const char *dash = strchr(text, '-');
	char digits[8] = "";
	int64_t number;

	*first = *last = 0;
	if (!text[0])
		return 0;
	if (dash && (size_t)(dash - text) < sizeof(digits))
		memcpy(digits, text, (size_t)(dash - text));
	if (str_int_in(dash ? digits : text, 0, 65535, &number) < 0)
		return bad_port(text, err);
	*first = (uint32_t)number;
	if (dash && str_int_in(dash + 1, number, 65535, &number) < 0)
		return bad_port(text, err);
	*last = dash ? (uint32_t)number : 0;
	return 0;
}

static int add_binding(const char *port, json_t *item, Cleat__V1__ContainerConfig *config,
		       struct err *err)
{
	const char *slash = strchr(port, '/');
	const char *host = str_or_empty(json_string_value(json_object_get(item, "HostIp")));
	const char *range = str_or_empty(json_string_value(json_object_get(item, "HostPort")));
	Cleat__V1__PortBinding **grown =
		realloc(config->ports, (config->n_ports + 1) * sizeof(*grown));
	Cleat__V1__PortBinding *p = grown ? malloc(sizeof(*p)) : NULL;
	char digits[8] = "";
	size_t n = slash ? (size_t)(slash - port) : strlen(port);
	int64_t number;
	int r;

	if (grown)
		config->ports = grown;
	if (!p)
		return jsonfield_no_memory(err);
	cleat__v1__port_binding__init(p);
	config->ports[config->n_ports++] = p;
	memcpy(digits, port, n < sizeof(digits) ? n : 0);
	if (str_int_in(digits, 1, 65535, &number) < 0)
		return bad_port(port, err);
	p->container_port = (uint32_t)number;
	r = parse_range(range, &p->host_port, &p->host_port_end, err);
	r = r ? r : jsonfield_text(&p->protocol, slash ? slash + 1 : "tcp", err);
	return r ? r : jsonfield_text(&p->host_ip, host, err);
}

int networkjson_ports(json_t *bindings, Cleat__V1__ContainerConfig *config, struct err *err)
{
	const char *port;
	json_t *list, *item;
	size_t i;
	int r = 0;

	json_object_foreach(bindings, port, list)
	{
		/* none at all is one of any port */
		if (r == 0 && json_array_size(list) == 0)
			r = add_binding(port, NULL, config, err);
		json_array_foreach(list, i, item) if (r == 0) r =
			add_binding(port, item, config, err);
	}
	return r;
}
