/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "endpointcheck.h"
#include "linktext.h"
#include "netnames.h"
#include "pool.h"
#include "store/store.h"
#include "str.h"

void endpoints_free(struct endpoints *endpoints)
{
	for (size_t i = 0; endpoints && i < endpoints->n; i++) {
		if (endpoints->v[i].config)
			cleat__v1__endpoint_config__free_unpacked(endpoints->v[i].config, NULL);
		network_deinit(&endpoints->v[i].network);
	}
	free(endpoints);
}

void endpoints_freep(struct endpoints **endpoints)
{
	endpoints_free(*endpoints);
}

/* What it is known by besides its own name, in Docker's order. */
static char *names_of(const char *container_id, const Cleat__V1__EndpointConfig *config,
		      const char *hostname)
{
	struct buf names = BUF_NULL;

	for (size_t i = 0; i < config->n_aliases; i++)
		buf_printf(&names, "%s ", config->aliases[i]);
	buf_printf(&names, "%.12s", container_id);
	if (linktext_is_word(hostname) && strncmp(hostname, container_id, 12) != 0)
		buf_printf(&names, " %s", hostname);
	return buf_steal(&names);
}

static int insert(struct engine *engine, const char *container_id, const struct network *network,
		  const Cleat__V1__EndpointConfig *config, const char *hostname, const char *intent,
		  size_t position, struct err *err)
{
	size_t len = cleat__v1__endpoint_config__get_packed_size(config);
	cleanup_free uint8_t *bytes = malloc(len + 1);
	cleanup_free char *names = names_of(container_id, config, hostname);
	char id[65];
	int r;

	if (!bytes || !names)
		return err_sys(err, ENOMEM, "endpoint");
	cleat__v1__endpoint_config__pack(config, bytes);
	str_random_id(id);
	r = store_run(engine->store, err,
		      "INSERT INTO endpoints (container_id, network_id, position, id, config, "
		      "names, intent) VALUES (?, ?, ?, ?, ?, ?, ?)",
		      "ssisbss", container_id, network->id, (int64_t)position, id, bytes, len,
		      names, intent);
	if (r == -EEXIST)
		return err_reason(err, ERR_EXISTS, "ENDPOINT_EXISTS",
				  "the container is in network %.80s already", network->name);
	return r < 0 ? r : 0;
}

/* "default" in an endpoint is the mode. */
static bool is_of(const Cleat__V1__EndpointConfig *endpoint, const char *mode,
		  const struct network *network)
{
	const char *name = endpoint->network;

	return strcmp(name, mode) == 0 || strcmp(name, "default") == 0 ||
	       strcmp(name, network->name) == 0 || strcmp(name, network->id) == 0;
}

/* Calls `each` for every network that a config names, that of network_mode first. */
struct walk {
	struct engine *engine;
	const char *container_id, *hostname;
	size_t position;
	int (*each)(struct walk *walk, const struct network *network,
		    const Cleat__V1__EndpointConfig *config, struct err *err);
};

static int visit(struct walk *walk, const char *name, const Cleat__V1__EndpointConfig *endpoint,
		 struct err *err)
{
	struct network network;
	int r = network_find(walk->engine, name, &network, err);

	if (r < 0)
		return r;
	if (strcmp(network.driver, "bridge") != 0)
		r = err_set(err, ERR_INVALID,
			    "container cannot be connected to %s and other networks at once",
			    network.name);
	r = r ? r : walk->each(walk, &network, endpoint, err);
	walk->position++;
	network_deinit(&network);
	return r;
}

static int visit_all(struct walk *walk, const Cleat__V1__ContainerConfig *config,
		     const struct network *first, struct err *err)
{
	static const Cleat__V1__EndpointConfig none = CLEAT__V1__ENDPOINT_CONFIG__INIT;
	const Cleat__V1__EndpointConfig *own = NULL;
	Cleat__V1__EndpointConfig merged;
	int r;

	for (size_t i = 0; !own && i < config->n_endpoints; i++)
		if (is_of(config->endpoints[i], config->network_mode, first))
			own = config->endpoints[i];
	merged = own ? *own : none;
	if (!merged.mac_address[0])
		merged.mac_address = config->mac_address;
	/* on the default network links are another thing */
	if (!merged.n_links && netnames_has(first)) {
		merged.links = config->links;
		merged.n_links = config->n_links;
	}
	r = visit(walk, first->id, &merged, err);
	for (size_t i = 0; r == 0 && i < config->n_endpoints; i++)
		if (config->endpoints[i] != own)
			r = visit(walk, config->endpoints[i]->network, config->endpoints[i], err);
	return r;
}

static int walk_config(struct walk *walk, const Cleat__V1__ContainerConfig *config, struct err *err)
{
	struct network first;
	int r;

	if (!network_mode_is_own(config->network_mode))
		return 0;
	if (config->n_endpoints > ENDPOINTS_MAX)
		return err_set(err, ERR_INVALID, "a container can be in %d networks",
			       ENDPOINTS_MAX);
	r = network_find(walk->engine, config->network_mode, &first, err);
	if (r < 0)
		return r;
	r = visit_all(walk, config, &first, err);
	network_deinit(&first);
	return r;
}

static int check_each(struct walk *walk, const struct network *network,
		      const Cleat__V1__EndpointConfig *config, struct err *err)
{
	(void)walk;
	return endpointcheck(network, config, err);
}

static int record_each(struct walk *walk, const struct network *network,
		       const Cleat__V1__EndpointConfig *config, struct err *err)
{
	return insert(walk->engine, walk->container_id, network, config, walk->hostname,
		      ENDPOINT_AT_REST, walk->position, err);
}

int endpoints_check(struct engine *engine, const Cleat__V1__ContainerConfig *config,
		    struct err *err)
{
	static const struct network none = { .driver = "null" };
	struct walk walk = { .engine = engine, .each = check_each };
	int r = 0;

	if (network_mode_is_own(config->network_mode))
		return walk_config(&walk, config, err);
	/* no address to choose there, and no name to be known by */
	for (size_t i = 0; r == 0 && i < config->n_endpoints; i++)
		r = endpointcheck(&none, config->endpoints[i], err);
	return r;
}

int endpoints_record(struct engine *engine, const char *container_id,
		     const Cleat__V1__ContainerConfig *config, struct err *err)
{
	struct walk walk = { .engine = engine,
			     .container_id = container_id,
			     .hostname = config->hostname,
			     .each = record_each };

	return walk_config(&walk, config, err);
}

static int take_number(const struct store_row *row, void *ctx)
{
	*(int64_t *)ctx = store_int(row, 0);
	return 0;
}

int endpoint_add(struct engine *engine, const char *container_id, const struct network *network,
		 const Cleat__V1__EndpointConfig *config, const char *hostname, struct err *err)
{
	int64_t position = 0;
	int r = endpointcheck(network, config, err);

	r = r ? r
	      : store_query(engine->store, err, take_number, &position,
			    "SELECT COALESCE(MAX(position) + 1, 0) FROM endpoints "
			    "WHERE container_id = ?",
			    "s", container_id);
	if (r == 0 && position >= ENDPOINTS_MAX)
		return err_set(err, ERR_INVALID, "a container can be in %d networks",
			       ENDPOINTS_MAX);
	return r ? r
		 : insert(engine, container_id, network, config, hostname, "joining",
			  (size_t)position, err);
}

int endpoint_set_intent(struct engine *engine, const char *container_id, const char *network_id,
			const char *intent, struct err *err)
{
	return store_run(
		engine->store, err,
		"UPDATE endpoints SET intent = ? WHERE container_id = ? AND network_id = ?", "sss",
		intent, container_id, network_id);
}

static int take_id(const struct store_row *row, void *ctx)
{
	(void)snprintf(ctx, 65, "%s", store_text(row, 0));
	return 0;
}

int endpoint_half_done(struct engine *engine, const char *container_id, char network_id[65],
		       struct err *err)
{
	int r;

	network_id[0] = '\0';
	r = store_query(engine->store, err, take_id, network_id,
			"SELECT network_id FROM endpoints WHERE container_id = ? AND intent <> '' "
			"LIMIT 1",
			"s", container_id);
	return r < 0 ? r : network_id[0] != '\0';
}

int endpoint_release(struct engine *engine, const char *container_id, const char *network_id,
		     struct err *err)
{
	int r = store_run(engine->store, err,
			  "DELETE FROM addresses WHERE container_id = ? AND network_id = ?", "ss",
			  container_id, network_id);

	return r < 0 ? r : 0;
}

int endpoint_remove(struct engine *engine, const char *container_id, const char *network_id,
		    struct err *err)
{
	return store_run(engine->store, err,
			 "DELETE FROM endpoints WHERE container_id = ? AND network_id = ?", "ss",
			 container_id, network_id);
}

/* The network's id stands in its place until all rows are read. */
static int add_endpoint(const struct store_row *row, void *ctx)
{
	struct endpoints *list = ctx;
	struct endpoint *e = &list->v[list->n];
	size_t len = 0;
	const void *config = store_blob(row, 3, &len);

	if (list->n == ENDPOINTS_MAX)
		return 0;
	*e = (struct endpoint){ .position = (int)store_int(row, 2) };
	(void)snprintf(e->id, sizeof(e->id), "%s", store_text(row, 0));
	(void)snprintf(e->network.id, sizeof(e->network.id), "%s", store_text(row, 1));
	e->config = cleat__v1__endpoint_config__unpack(NULL, len, config);
	list->n++;
	return e->config ? 0 : -ENOMEM;
}

int endpoints_load(struct engine *engine, const char *container_id, struct endpoints **out,
		   struct err *err)
{
	cleanup(endpoints_freep) struct endpoints *list = calloc(1, sizeof(*list));
	int r = list ? store_query(engine->store, err, add_endpoint, list,
				   "SELECT id, network_id, position, config FROM endpoints "
				   "WHERE container_id = ? ORDER BY position",
				   "s", container_id)
		     : -ENOMEM;

	if (r == -ENOMEM)
		return err_sys(err, r, "endpoints");
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		char id[65];

		(void)snprintf(id, sizeof(id), "%s", list->v[i].network.id);
		r = network_find(engine, id, &list->v[i].network, err);
		if (r == -ENOENT)
			(void)err_reason(
				err, ERR_NOT_FOUND, "NETWORK_NOT_FOUND", "network %.80s not found",
				list->v[i].config->network[0] ? list->v[i].config->network : id);
	}
	if (r == 0)
		*out = steal(&list);
	return r;
}

/* 1 = it is the container's now, 0 = it is taken. */
static int try_lease(struct engine *engine, const char *container_id, const struct network *network,
		     const struct addr *addr, uint64_t exits, struct err *err)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	return store_run(
		engine->store, err,
		"INSERT OR IGNORE INTO addresses (network_id, address, container_id, exits) "
		"VALUES (?, ?, ?, ?)",
		"sssi", network->id, text, container_id, (int64_t)exits);
}

/* The next free one behind the one that was given out last, so that one comes again as late as can be: who was in touch
 * with its last owner has forgotten it by then. */
static int lease_any(struct engine *engine, const char *container_id, struct endpoint *endpoint,
		     int family, uint64_t exits, struct err *err)
{
	const struct network *network = &endpoint->network;
	const struct network_pool *pool = &network->pools[family];
	struct pool_span span = { 0 };
	int64_t last = 0;
	int r = pool_span(&pool->subnet, &pool->range, &span);

	r = r ? r
	      : store_query(engine->store, err, take_number, &last,
			    "SELECT next_host FROM networks WHERE id = ? AND intent = ''", "s",
			    network->id);
	for (uint64_t i = 0, n = (uint64_t)last; r == 0 && i <= span.last - span.first; i++) {
		n = n < span.first || n >= span.last ? span.first : n + 1;
		endpoint->addr[family] = subnet_nth(&pool->subnet, n);
		r = try_lease(engine, container_id, network, &endpoint->addr[family], exits, err);
		if (r > 0)
			return store_run(engine->store, err,
					 "UPDATE networks SET next_host = ? WHERE id = ?", "is",
					 (int64_t)n, network->id) < 0
				       ? -EIO
				       : 0;
	}
	return r < 0 ? r
		     : err_set(err, ERR_EXHAUSTED,
			       "no available address in network %.80s: all are in use",
			       network->name);
}

static int lease_wanted(struct engine *engine, const char *container_id, struct endpoint *endpoint,
			int family, const char *wanted, uint64_t exits, struct err *err)
{
	int r = addr_parse(wanted, &endpoint->addr[family]);

	r = r < 0 ? r
		  : try_lease(engine, container_id, &endpoint->network, &endpoint->addr[family],
			      exits, err);
	if (r == 0)
		return err_reason(err, ERR_PRECONDITION, "ADDRESS_IN_USE",
				  "Address already in use: %.60s in network %.80s", wanted,
				  endpoint->network.name);
	return r < 0 ? r : 0;
}

static int take_known(const struct store_row *row, void *ctx)
{
	struct endpoint *endpoint = ctx;
	struct addr addr;

	if (addr_parse(store_text(row, 0), &addr) == 0)
		endpoint->addr[addr.len == 4 ? 0 : 1] = addr;
	return 0;
}

static int read_known(struct engine *engine, const char *container_id, struct endpoint *endpoint,
		      struct err *err)
{
	return store_query(
		engine->store, err, take_known, endpoint,
		"SELECT address FROM addresses WHERE container_id = ? AND network_id = ?", "ss",
		container_id, endpoint->network.id);
}

static int set_mac(struct endpoint *endpoint)
{
	const char *mac = endpoint->config->mac_address;

	if (mac[0])
		return mac_parse(mac, endpoint->mac);
	mac_of_addr(&endpoint->addr[0], endpoint->mac);
	return 0;
}

int endpoints_read(struct engine *engine, const char *container_id, struct endpoints *endpoints,
		   struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < endpoints->n; i++) {
		r = read_known(engine, container_id, &endpoints->v[i], err);
		r = r ? r : set_mac(&endpoints->v[i]);
	}
	return r;
}

static int check_there(struct engine *engine, const struct network *network, struct err *err)
{
	int64_t there = 0;
	int r = store_query(engine->store, err, take_number, &there,
			    "SELECT 1 FROM networks WHERE id = ? AND intent = ''", "s",
			    network->id);

	return r || there ? r
			  : err_reason(err, ERR_NOT_FOUND, "NETWORK_NOT_FOUND",
				       "network %.80s not found", network->name);
}

int endpoint_lease(struct engine *engine, const char *container_id, struct endpoint *endpoint,
		   uint64_t exits, struct err *err)
{
	const char *const wanted[] = { endpoint->config->ipv4_address,
				       endpoint->config->ipv6_address };
	int r = check_there(engine, &endpoint->network, err);

	r = r ? r : read_known(engine, container_id, endpoint, err);
	if (r == 0 && (endpoint->addr[0].len || endpoint->addr[1].len)) {
		r = store_run(engine->store, err,
			      "UPDATE addresses SET exits = ? WHERE container_id = ? AND "
			      "network_id = ?",
			      "iss", (int64_t)exits, container_id, endpoint->network.id);
		r = r < 0 ? r : 0;
	}
	for (int i = 0; r == 0 && i < NETWORK_FAMILIES; i++) {
		if (!endpoint->network.pools[i].subnet.addr.len || endpoint->addr[i].len)
			continue;
		r = wanted[i][0]
			    ? lease_wanted(engine, container_id, endpoint, i, wanted[i], exits, err)
			    : lease_any(engine, container_id, endpoint, i, exits, err);
	}
	return r ? r : set_mac(endpoint);
}

int endpoints_release(struct engine *engine, const char *container_id, uint64_t exits,
		      struct err *err)
{
	return store_run(engine->store, err,
			 "DELETE FROM addresses WHERE container_id = ? AND exits < ?", "si",
			 container_id, (int64_t)exits);
}
