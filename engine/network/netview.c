/* SPDX-License-Identifier: Apache-2.0 */
#include "netview.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "store/store.h"
#include "str.h"

struct seen_endpoint {
	char container[65], id[65], network_id[65];
	char name[NETWORK_NAME_MAX];
	char address[NETWORK_FAMILIES][ADDR_TEXT_MAX]; /* "" = none, or it does not run */
	char gateway[NETWORK_FAMILIES][ADDR_TEXT_MAX];
	uint8_t prefix[NETWORK_FAMILIES];
	Cleat__V1__EndpointConfig *config;
	char *names; /* in the network; NULL = it has none */
};

struct seen_port {
	char container[65], protocol[8], host[ADDR_TEXT_MAX];
	uint16_t host_port, container_port;
};

/* In the order of the containers' ids. */
struct netview {
	struct seen_endpoint *endpoints;
	struct seen_port *ports;
	size_t n_endpoints, n_ports, room_endpoints, room_ports;
};

struct netview *netview_free(struct netview *view)
{
	for (size_t i = 0; view && i < view->n_endpoints; i++) {
		cleat__v1__endpoint_config__free_unpacked(view->endpoints[i].config, NULL);
		free(view->endpoints[i].names);
	}
	if (view) {
		free(view->endpoints);
		free(view->ports);
	}
	free(view);
	return NULL;
}

void netview_freep(struct netview **view)
{
	*view = netview_free(*view);
}

static int grow(void *list, size_t n, size_t *room, size_t size)
{
	void **items = list;
	size_t wanted = *room ? *room * 2 : 4;
	void *grown;

	if (n < *room)
		return 0;
	grown = realloc(*items, wanted * size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*room = wanted;
	return 0;
}

static void take_pools(struct seen_endpoint *e, const struct store_row *row, int column)
{
	size_t len = 0;
	const void *bytes = store_blob(row, column, &len);
	Cleat__V1__CreateNetworkRequest *config =
		cleat__v1__create_network_request__unpack(NULL, len, bytes);

	for (size_t i = 0; config && i < config->n_pools; i++) {
		const Cleat__V1__AddressPool *pool = config->pools[i];
		struct subnet subnet;
		size_t family;

		if (subnet_parse(pool->subnet, &subnet) < 0)
			continue;
		family = subnet.addr.len == 4 ? 0 : 1;
		e->prefix[family] = subnet.prefix;
		/* an internal network leads nowhere */
		if (!config->internal)
			(void)snprintf(e->gateway[family], ADDR_TEXT_MAX, "%s", pool->gateway);
	}
	if (config)
		cleat__v1__create_network_request__free_unpacked(config, NULL);
}

/* A container's network that is none of the builtin ones. */
static bool has_names(const char *network)
{
	return strcmp(network, "bridge") != 0;
}

static int add_endpoint(const struct store_row *row, void *ctx)
{
	struct netview *view = ctx;
	struct seen_endpoint *e;
	size_t len = 0;
	const void *config = store_blob(row, 4, &len);

	if (grow(&view->endpoints, view->n_endpoints, &view->room_endpoints, sizeof(*e)) < 0)
		return -ENOMEM;
	e = &view->endpoints[view->n_endpoints];
	*e = (struct seen_endpoint){ 0 };
	(void)snprintf(e->container, sizeof(e->container), "%s", store_text(row, 0));
	(void)snprintf(e->id, sizeof(e->id), "%s", store_text(row, 1));
	(void)snprintf(e->network_id, sizeof(e->network_id), "%s", store_text(row, 2));
	(void)snprintf(e->name, sizeof(e->name), "%s", store_text(row, 3));
	(void)snprintf(e->address[0], ADDR_TEXT_MAX, "%s", store_text(row, 5));
	(void)snprintf(e->address[1], ADDR_TEXT_MAX, "%s", store_text(row, 6));
	take_pools(e, row, 7);
	e->config = cleat__v1__endpoint_config__unpack(NULL, len, config);
	if (!e->config)
		return -ENOMEM;
	if (!e->name[0])
		(void)snprintf(e->name, sizeof(e->name), "%s", e->config->network);
	view->n_endpoints++;
	e->names = has_names(e->name) ? str_printf("%s %s", store_text(row, 8), store_text(row, 9))
				      : NULL;
	return 0;
}

static int add_port(const struct store_row *row, void *ctx)
{
	struct netview *view = ctx;
	struct seen_port *p;

	if (grow(&view->ports, view->n_ports, &view->room_ports, sizeof(*p)) < 0)
		return -ENOMEM;
	p = &view->ports[view->n_ports++];
	(void)snprintf(p->container, sizeof(p->container), "%s", store_text(row, 0));
	(void)snprintf(p->protocol, sizeof(p->protocol), "%s", store_text(row, 1));
	(void)snprintf(p->host, sizeof(p->host), "%s", store_text(row, 2));
	p->host_port = (uint16_t)store_int(row, 3);
	p->container_port = (uint16_t)store_int(row, 4);
	return 0;
}

#define ENDPOINTS                                                                              \
	"SELECT e.container_id, e.id, e.network_id, COALESCE(n.name, ''), e.config, "          \
	"(SELECT a.address FROM addresses AS a WHERE a.container_id = e.container_id "         \
	"AND a.network_id = e.network_id AND a.address NOT LIKE '%:%'), "                      \
	"(SELECT a.address FROM addresses AS a WHERE a.container_id = e.container_id "         \
	"AND a.network_id = e.network_id AND a.address LIKE '%:%'), COALESCE(n.config, x''), " \
	"c.name, e.names FROM endpoints AS e JOIN containers AS c ON c.id = e.container_id "   \
	"LEFT JOIN networks AS n ON n.id = e.network_id "
#define PORTS "SELECT container_id, protocol, host_address, host_port, container_port FROM ports "

int netview_load(struct engine *engine, const char *container_id, struct netview **out,
		 struct err *err)
{
	cleanup(netview_freep) struct netview *view = calloc(1, sizeof(*view));
	struct store *store = engine->store;
	int r;

	if (!view)
		return err_sys(err, ENOMEM, "networks of containers");
	if (container_id) {
		r = store_query(store, err, add_endpoint, view,
				ENDPOINTS "WHERE e.container_id = ? ORDER BY e.position", "s",
				container_id);
		r = r ? r
		      : store_query(store, err, add_port, view,
				    PORTS "WHERE container_id = ? ORDER BY container_port, "
					  "protocol DESC, host_address",
				    "s", container_id);
	} else {
		r = store_query(store, err, add_endpoint, view,
				ENDPOINTS "ORDER BY e.container_id, e.position", "");
		r = r ? r
		      : store_query(store, err, add_port, view,
				    PORTS "ORDER BY container_id, container_port, protocol DESC, "
					  "host_address",
				    "");
	}
	if (r < 0)
		return r == -ENOMEM ? err_sys(err, r, "networks of containers") : r;
	*out = steal(&view);
	return 0;
}

/* The first of a container's in an array of structs that begin with its id. */
static size_t first_of(const void *items, size_t n, size_t size, const char *id)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (strcmp((const char *)items + middle * size, id) < 0)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static int copy_list(char *const *from, size_t n_from, char ***out, size_t *n)
{
	*out = calloc(n_from + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < n_from; i++) {
		(*out)[i] = strdup(from[i]);
		if (!(*out)[i])
			return -ENOMEM;
		(*n)++;
	}
	return 0;
}

/* Words of a text, each once. */
static int split_words(const char *text, char ***out, size_t *n)
{
	*out = calloc(strlen(text) / 2 + 2, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t len; *(text += strspn(text, " ")); text += len) {
		bool known = false;

		len = strcspn(text, " ");
		for (size_t i = 0; i < *n && !known; i++)
			known = strlen((*out)[i]) == len && strncmp((*out)[i], text, len) == 0;
		if (known)
			continue;
		(*out)[*n] = strndup(text, len);
		if (!(*out)[(*n)++])
			return -ENOMEM;
	}
	return 0;
}

static void mac_text(const struct seen_endpoint *e, char out[MAC_TEXT_MAX])
{
	struct addr addr;
	uint8_t mac[6];

	if (e->config->mac_address[0] && mac_parse(e->config->mac_address, mac) == 0)
		mac_format(mac, out);
	else if (addr_parse(e->address[0], &addr) == 0) {
		mac_of_addr(&addr, mac);
		mac_format(mac, out);
	}
}

/* What it has of a running container; of another only what was asked for. */
static int fill(const struct seen_endpoint *e, Cleat__V1__EndpointStatus *out)
{
	bool up = e->address[0][0] || e->address[1][0];
	char mac[MAC_TEXT_MAX] = "";

	if (up)
		mac_text(e, mac);
	out->network = strdup(e->name);
	out->network_id = strdup(e->network_id);
	out->endpoint_id = strdup(up ? e->id : "");
	out->gateway = strdup(up ? e->gateway[0] : "");
	out->ip_address = strdup(e->address[0]);
	out->ip_prefix_len = up ? e->prefix[0] : 0;
	out->ipv6_gateway = strdup(up ? e->gateway[1] : "");
	out->ipv6_address = strdup(e->address[1]);
	out->ipv6_prefix_len = e->address[1][0] ? e->prefix[1] : 0;
	out->mac_address = strdup(mac);
	if (!out->network || !out->network_id || !out->endpoint_id || !out->gateway ||
	    !out->ip_address || !out->ipv6_gateway || !out->ipv6_address || !out->mac_address)
		return -ENOMEM;
	if (copy_list(e->config->aliases, e->config->n_aliases, &out->aliases, &out->n_aliases) <
		    0 ||
	    copy_list(e->config->links, e->config->n_links, &out->links, &out->n_links) < 0)
		return -ENOMEM;
	return e->names ? split_words(e->names, &out->dns_names, &out->n_dns_names) : 0;
}

int netview_endpoints(const struct netview *view, const char *container_id,
		      Cleat__V1__EndpointStatus ***out, size_t *n)
{
	size_t i = first_of(view->endpoints, view->n_endpoints, sizeof(*view->endpoints),
			    container_id);

	*out = calloc(ENDPOINTS_MAX + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (; i < view->n_endpoints && *n < ENDPOINTS_MAX &&
	       strcmp(view->endpoints[i].container, container_id) == 0;
	     i++) {
		Cleat__V1__EndpointStatus *status = malloc(sizeof(*status));

		if (!status)
			return -ENOMEM;
		cleat__v1__endpoint_status__init(status);
		(*out)[(*n)++] = status;
		if (fill(&view->endpoints[i], status) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int push_port(Cleat__V1__PublishedPort ***out, size_t *n, const char *host,
		     uint32_t host_port, uint32_t port, const char *protocol)
{
	Cleat__V1__PublishedPort **grown = realloc(*out, (*n + 1) * sizeof(*grown));
	Cleat__V1__PublishedPort *p = grown ? malloc(sizeof(*p)) : NULL;

	if (grown)
		*out = grown;
	if (!p)
		return -ENOMEM;
	cleat__v1__published_port__init(p);
	(*out)[(*n)++] = p;
	p->host_ip = strdup(host);
	p->protocol = strdup(protocol);
	p->host_port = host_port;
	p->container_port = port;
	return p->host_ip && p->protocol ? 0 : -ENOMEM;
}

static bool is_published(Cleat__V1__PublishedPort *const *ports, size_t n, uint32_t port,
			 const char *protocol)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i]->container_port == port && strcmp(ports[i]->protocol, protocol) == 0)
			return true;
	return false;
}

int netview_ports(const struct netview *view, const char *container_id,
		  const Cleat__V1__ContainerConfig *config, Cleat__V1__PublishedPort ***out,
		  size_t *n)
{
	size_t i = first_of(view->ports, view->n_ports, sizeof(*view->ports), container_id);
	int r = 0;

	for (; r == 0 && i < view->n_ports && strcmp(view->ports[i].container, container_id) == 0;
	     i++) {
		const struct seen_port *p = &view->ports[i];

		r = push_port(out, n, p->host, p->host_port, p->container_port, p->protocol);
	}
	for (i = 0; r == 0 && config && i < config->n_exposed_ports; i++) {
		const char *slash = strchr(config->exposed_ports[i], '/');
		const char *protocol = slash ? slash + 1 : "tcp";
		unsigned long port = strtoul(config->exposed_ports[i], NULL, 10);

		if (port >= 1 && port <= 65535 && !is_published(*out, *n, (uint32_t)port, protocol))
			r = push_port(out, n, "", 0, (uint32_t)port, protocol);
	}
	return r;
}

bool netview_is_in(const struct netview *view, const char *container_id, const char *network)
{
	size_t i = first_of(view->endpoints, view->n_endpoints, sizeof(*view->endpoints),
			    container_id);

	for (; i < view->n_endpoints && strcmp(view->endpoints[i].container, container_id) == 0;
	     i++)
		if (strcmp(view->endpoints[i].name, network) == 0 ||
		    (str_is_id_prefix(network) &&
		     str_has_prefix(view->endpoints[i].network_id, network)))
			return true;
	return false;
}

bool netview_port(const struct netview *view, const char *container_id, size_t n, uint16_t *port,
		  const char **protocol)
{
	size_t i = n + first_of(view->ports, view->n_ports, sizeof(*view->ports), container_id);

	if (i >= view->n_ports || strcmp(view->ports[i].container, container_id) != 0)
		return false;
	*port = view->ports[i].host_port;
	*protocol = view->ports[i].protocol;
	return true;
}

struct members {
	Cleat__V1__NetworkDetails *out;
	struct netview *view;
	const char *network_id;
};

static int add_member(const struct store_row *row, void *ctx)
{
	struct members *m = ctx;
	Cleat__V1__NetworkDetails__Member **grown =
		realloc(m->out->members, (m->out->n_members + 1) * sizeof(*grown));
	Cleat__V1__NetworkDetails__Member *member = grown ? malloc(sizeof(*member)) : NULL;

	if (grown)
		m->out->members = grown;
	if (!member)
		return -ENOMEM;
	cleat__v1__network_details__member__init(member);
	m->out->members[m->out->n_members++] = member;
	member->container_id = strdup(store_text(row, 0));
	member->name = strdup(store_text(row, 1));
	return member->container_id && member->name ? 0 : -ENOMEM;
}

static int add_endpoints(struct engine *engine, const struct network *network,
			 Cleat__V1__NetworkDetails *out, struct err *err)
{
	struct members members = { .out = out };
	int r = store_query(engine->store, err, add_member, &members,
			    "SELECT DISTINCT c.id, c.name FROM addresses AS a JOIN containers AS c "
			    "ON c.id = a.container_id WHERE a.network_id = ? ORDER BY c.name",
			    "s", network->id);

	for (size_t i = 0; r == 0 && i < out->n_members; i++) {
		Cleat__V1__NetworkDetails__Member *member = out->members[i];
		cleanup(netview_freep) struct netview *view = NULL;

		r = netview_load(engine, member->container_id, &view, err);
		for (size_t k = 0; r == 0 && !member->endpoint && k < view->n_endpoints; k++) {
			if (strcmp(view->endpoints[k].network_id, network->id) != 0)
				continue;
			member->endpoint = malloc(sizeof(*member->endpoint));
			if (!member->endpoint)
				return err_sys(err, ENOMEM, "inspect a network");
			cleat__v1__endpoint_status__init(member->endpoint);
			r = fill(&view->endpoints[k], member->endpoint);
		}
	}
	return r == -ENOMEM ? err_sys(err, r, "inspect a network") : r;
}

/* The record's config has what the reply has, under the same numbers' names; it is copied by way of its bytes. */
static int copy_config(const struct network *network, Cleat__V1__NetworkDetails *out)
{
	Cleat__V1__CreateNetworkRequest *config = network->config;
	Cleat__V1__NetworkDetails half = CLEAT__V1__NETWORK_DETAILS__INIT, *copy;
	cleanup_free uint8_t *bytes = NULL;
	size_t len;

	half.id = (char *)(uintptr_t)network->id;
	half.name = (char *)(uintptr_t)network->name;
	half.driver = (char *)(uintptr_t)network->driver;
	half.scope = (char *)(uintptr_t) "local";
	half.created_ns = network->created_ns;
	half.pools = config->pools;
	half.n_pools = config->n_pools;
	half.ipv6 = config->ipv6;
	half.internal = config->internal;
	half.attachable = config->attachable;
	/* both are pairs of strings under 1 and 2 */
	half.options = (void *)config->options;
	half.n_options = config->n_options;
	half.labels = (void *)config->labels;
	half.n_labels = config->n_labels;
	len = cleat__v1__network_details__get_packed_size(&half);
	bytes = malloc(len + 1);
	if (!bytes)
		return -ENOMEM;
	copy = cleat__v1__network_details__unpack(
		NULL, cleat__v1__network_details__pack(&half, bytes), bytes);
	if (!copy)
		return -ENOMEM;
	*out = *copy;
	free(copy);
	return 0;
}

int netview_network(struct engine *engine, const struct network *network, bool members,
		    Cleat__V1__NetworkDetails *out, struct err *err)
{
	if (copy_config(network, out) < 0)
		return err_sys(err, ENOMEM, "inspect a network");
	return members ? add_endpoints(engine, network, out, err) : 0;
}
