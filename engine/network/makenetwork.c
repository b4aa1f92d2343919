/* SPDX-License-Identifier: Apache-2.0 */
/* Subnets are chosen within the write transaction that records them, so that two networks made at once cannot get the
 * same. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "fd.h"
#include "network.h"
#include "pool.h"
#include "store/store.h"
#include "str.h"

#define BRIDGE_NAME "com.docker.network.bridge.name"
#define MTU         "com.docker.network.driver.mtu"

/* All subnets that are taken: by networks, and by the host's routes. */
struct taken {
	struct subnet *v;
	size_t n;
};

static void taken_deinit(struct taken *taken)
{
	free(taken->v);
}

static int add_taken(const struct store_row *row, void *ctx)
{
	struct taken *taken = ctx;
	size_t len = 0;
	const void *bytes = store_blob(row, 0, &len);
	Cleat__V1__CreateNetworkRequest *config =
		cleat__v1__create_network_request__unpack(NULL, len, bytes);
	struct subnet *grown =
		config ? realloc(taken->v, (taken->n + config->n_pools + 1) * sizeof(*grown))
		       : NULL;

	if (grown)
		taken->v = grown;
	for (size_t i = 0; grown && i < config->n_pools; i++)
		if (subnet_parse(config->pools[i]->subnet, &grown[taken->n]) == 0)
			taken->n++;
	if (config)
		cleat__v1__create_network_request__free_unpacked(config, NULL);
	return grown ? 0 : -ENOMEM;
}

static int list_taken(struct engine *engine, const char *but_id, struct taken *taken,
		      struct err *err)
{
	return store_query(engine->store, err, add_taken, taken,
			   "SELECT config FROM networks WHERE id <> ?", "s", but_id);
}

static int list_routes(struct taken *taken, struct err *err)
{
	cleanup(rtnl_close) struct rtnl rtnl;
	int r = rtnl_open(&rtnl);

	return r < 0 ? err_sys(err, r, "open an rtnetlink socket")
		     : rtnl_routes(&rtnl, &taken->v, &taken->n, err);
}

static int set_text(char **field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = copy;
	return 0;
}

/* Of a subnet all that a pool needs; the gateway is its first address. */
static int add_pool(Cleat__V1__CreateNetworkRequest *config, const struct subnet *subnet)
{
	Cleat__V1__AddressPool **grown =
		realloc(config->pools, (config->n_pools + 1) * sizeof(*grown));
	Cleat__V1__AddressPool *pool = grown ? malloc(sizeof(*pool)) : NULL;
	char text[SUBNET_TEXT_MAX];

	if (grown)
		config->pools = grown;
	if (!pool)
		return -ENOMEM;
	cleat__v1__address_pool__init(pool);
	config->pools[config->n_pools++] = pool;
	subnet_format(subnet, text);
	return set_text(&pool->subnet, text);
}

static int part_of(const struct subnet *subnet, const char *what, const char *text,
		   struct addr *out, struct err *err)
{
	if (addr_parse(text, out) < 0)
		return err_set(err, ERR_INVALID, "invalid %s: %.60s: expected an address", what,
			       text);
	if (!subnet_contains(subnet, out)) {
		char own[SUBNET_TEXT_MAX];

		subnet_format(subnet, own);
		return err_set(err, ERR_INVALID, "invalid %s: %s is not in the subnet %s", what,
			       text, own);
	}
	return 0;
}

static int check_range(const struct subnet *subnet, const char *text, struct err *err)
{
	struct subnet range;
	struct pool_span span;

	if (subnet_parse(text, &range) < 0)
		return err_set(err, ERR_INVALID, "invalid ip-range: %.60s: expected ADDRESS/BITS",
			       text);
	if (range.prefix < subnet->prefix || !subnet_contains(subnet, &range.addr))
		return err_set(err, ERR_INVALID, "invalid ip-range: %s is not in the subnet", text);
	return pool_span(subnet, &range, &span) < 0
		       ? err_set(err, ERR_INVALID, "the subnet is too small: no address remains")
		       : 0;
}

/* Fills in what is missing of a pool and checks the rest. */
static int complete_pool(Cleat__V1__AddressPool *pool, struct subnet *subnet, struct err *err)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;
	int r;

	if (subnet_parse(pool->subnet, subnet) < 0)
		return err_set(err, ERR_INVALID, "invalid subnet: %.60s: expected ADDRESS/BITS",
			       pool->subnet);
	if (!subnet_mask(subnet)) {
		char own[SUBNET_TEXT_MAX];

		subnet_format(subnet, own);
		return err_set(err, ERR_INVALID, "invalid subnet %s: it should be %s", pool->subnet,
			       own);
	}
	if (!pool->ip_range[0] && set_text(&pool->ip_range, pool->subnet) < 0)
		return err_sys(err, ENOMEM, "network");
	r = check_range(subnet, pool->ip_range, err);
	if (r == 0 && !pool->gateway[0]) {
		struct subnet range;

		if (subnet_parse(pool->ip_range, &range) < 0)
			return -EINVAL;
		addr = subnet_nth(&range, 0);
		addr = subnet_nth(subnet, subnet_number(subnet, &addr) + 1);
		addr_format(&addr, text);
		if (set_text(&pool->gateway, text) < 0)
			return err_sys(err, ENOMEM, "network");
	}
	r = r ? r : part_of(subnet, "gateway", pool->gateway, &addr, err);
	for (size_t i = 0; r == 0 && i < pool->n_auxiliary; i++)
		r = part_of(subnet, "auxiliary address", pool->auxiliary[i]->value, &addr, err);
	return r;
}

static int overlap(const struct subnet *subnet, const struct taken *taken, struct err *err)
{
	for (size_t i = 0; i < taken->n; i++)
		if (subnet_overlaps(subnet, &taken->v[i]))
			return err_set(err, ERR_PERMISSION,
				       "invalid pool request: Pool overlaps with other one on "
				       "this address space");
	return 0;
}

static int choose_missing(Cleat__V1__CreateNetworkRequest *config, bool has4, bool has6,
			  const struct taken *networks, const struct taken *routes, struct err *err)
{
	size_t n = networks->n + routes->n;
	cleanup_free struct subnet *all = calloc(n + 1, sizeof(*all));
	struct subnet subnet;
	uint64_t random;
	int r = 0;

	if (!all)
		return err_sys(err, ENOMEM, "network");
	if (networks->n)
		memcpy(all, networks->v, networks->n * sizeof(*all));
	if (routes->n)
		memcpy(all + networks->n, routes->v, routes->n * sizeof(*all));
	if (!has4) {
		if (pool_choose(all, n, &subnet) < 0)
			return err_set(err, ERR_EXHAUSTED,
				       "all predefined address pools have been fully subnetted");
		r = add_pool(config, &subnet);
	}
	if (r == 0 && config->ipv6 && !has6) {
		if (getrandom(&random, sizeof(random), 0) < 0)
			return err_sys(err, errno, "getrandom");
		subnet = pool_choose_ipv6(random);
		r = add_pool(config, &subnet);
	}
	return r < 0 ? err_sys(err, r, "network") : 0;
}

/* Within the transaction. `routes` are of the host. */
static int complete(struct engine *engine, const char *id, Cleat__V1__CreateNetworkRequest *config,
		    const struct taken *routes, struct err *err)
{
	cleanup(taken_deinit) struct taken networks = { 0 };
	bool has[NETWORK_FAMILIES] = { false };
	struct subnet subnet;
	int r = list_taken(engine, id, &networks, err);

	for (size_t i = 0; r == 0 && i < config->n_pools; i++) {
		Cleat__V1__AddressPool *pool = config->pools[i];

		/* no subnet: a free one, for which a gateway cannot have been chosen */
		if (!pool->subnet[0])
			return err_set(err, ERR_INVALID,
				       "a gateway or range is of use only with a subnet");
		r = complete_pool(pool, &subnet, err);
		if (r < 0)
			return r;
		if (has[subnet.addr.len == 16])
			return err_set(err, ERR_UNIMPLEMENTED,
				       "several subnets of one family: not supported");
		has[subnet.addr.len == 16] = true;
		r = overlap(&subnet, &networks, err);
	}
	if (r == 0 && has[1])
		config->ipv6 = true;
	r = r ? r : choose_missing(config, has[0], has[1], &networks, routes, err);
	for (size_t i = 0; r == 0 && i < config->n_pools; i++)
		r = complete_pool(config->pools[i], &subnet, err);
	return r;
}

static int reserve(struct engine *engine, const char *id, const char *address, struct err *err)
{
	struct addr addr;
	char text[ADDR_TEXT_MAX];
	int r = addr_parse(address, &addr);

	if (r < 0)
		return r;
	addr_format(&addr, text);
	r = store_run(engine->store, err,
		      "INSERT OR IGNORE INTO addresses (network_id, address) VALUES (?, ?)", "ss",
		      id, text);
	return r < 0 ? r : 0;
}

/* Addresses that no container may get. */
static int reserve_all(struct engine *engine, const char *id,
		       const Cleat__V1__CreateNetworkRequest *config, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_pools; i++) {
		const Cleat__V1__AddressPool *pool = config->pools[i];

		r = reserve(engine, id, pool->gateway, err);
		for (size_t k = 0; r == 0 && k < pool->n_auxiliary; k++)
			r = reserve(engine, id, pool->auxiliary[k]->value, err);
	}
	return r;
}

static int pack(const Cleat__V1__CreateNetworkRequest *config, uint8_t **bytes, size_t *len)
{
	*bytes = malloc(cleat__v1__create_network_request__get_packed_size(config) + 1);
	if (!*bytes)
		return -ENOMEM;
	*len = cleat__v1__create_network_request__pack(config, *bytes);
	return 0;
}

static const char *option_of(const Cleat__V1__CreateNetworkRequest *config, const char *key)
{
	for (size_t i = 0; i < config->n_options; i++)
		if (strcmp(config->options[i]->key, key) == 0)
			return config->options[i]->value;
	return NULL;
}

static int insert(struct engine *engine, const char *id,
		  const Cleat__V1__CreateNetworkRequest *config, struct err *err)
{
	const char *name = option_of(config, BRIDGE_NAME);
	cleanup_free uint8_t *bytes = NULL;
	char bridge[RTNL_NAME_MAX];
	size_t len = 0;
	int r;

	(void)snprintf(bridge, sizeof(bridge), name ? "%.15s" : "cl-%.12s", name ? name : id);
	if (pack(config, &bytes, &len) < 0)
		return err_sys(err, ENOMEM, "network");
	r = store_run(engine->store, err,
		      "INSERT INTO networks (id, name, driver, created_ns, bridge, config) "
		      "VALUES (?, ?, 'bridge', ?, ?, ?)",
		      "ssisb", id, config->name, fd_realtime_ns(), bridge, bytes, len);
	if (r == -EEXIST)
		return err_reason(err, ERR_EXISTS, "NETWORK_EXISTS",
				  "network with name %.120s already exists", config->name);
	return r < 0 ? r : 0;
}

static int check_interface(const char *name, struct err *err)
{
	if (!name)
		return 0;
	if (!name[0] || strlen(name) >= RTNL_NAME_MAX || strpbrk(name, "/: \t\n\"*%{}.") ||
	    strcmp(name, "lo") == 0)
		return err_set(err, ERR_INVALID, "invalid " BRIDGE_NAME ": %.60s", name);
	return 0;
}

/* As containers', but one character will do. */
static bool is_name(const char *name)
{
	return str_is_name(name) || (isalnum((unsigned char)name[0]) && !name[1]);
}

static int check(const Cleat__V1__CreateNetworkRequest *request, struct err *err)
{
	static const char *const drivers[] = { "", "bridge", "default" };
	const char *mtu = option_of(request, MTU);
	int64_t number;
	size_t i = 0;

	if (!is_name(request->name))
		return err_set(err, ERR_INVALID,
			       "invalid network name: %.120s: only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
			       "allowed",
			       request->name);
	if (!network_mode_is_own(request->name))
		return err_set(err, ERR_PERMISSION,
			       "operation is not permitted on predefined %s network",
			       request->name);
	while (i < ARRAY_LEN(drivers) && strcmp(drivers[i], request->driver) != 0)
		i++;
	if (strcmp(request->driver, "host") == 0 || strcmp(request->driver, "null") == 0)
		return err_set(err, ERR_PERMISSION,
			       "only one instance of \"%s\" network is allowed", request->driver);
	if (i == ARRAY_LEN(drivers))
		return err_set(err, ERR_UNIMPLEMENTED,
			       "network driver \"%.60s\": only bridge is supported",
			       request->driver);
	if (mtu && (str_int_in(mtu, 68, 65535, &number) < 0))
		return err_set(err, ERR_INVALID, "invalid " MTU ": %.60s: expected 68 to 65535",
			       mtu);
	if (str_equal(option_of(request, "com.docker.network.bridge.enable_icc"), "false"))
		return err_set(err, ERR_UNIMPLEMENTED,
			       "com.docker.network.bridge.enable_icc=false: not supported");
	return check_interface(option_of(request, BRIDGE_NAME), err);
}

static Cleat__V1__CreateNetworkRequest *copy_of(const Cleat__V1__CreateNetworkRequest *config)
{
	cleanup_free uint8_t *bytes = NULL;
	size_t len = 0;

	return pack(config, &bytes, &len) < 0
		       ? NULL
		       : cleat__v1__create_network_request__unpack(NULL, len, bytes);
}

static int record(struct engine *engine, const char *id, Cleat__V1__CreateNetworkRequest *config,
		  const struct taken *routes, struct err *err)
{
	int r = store_begin(engine->store, err), ended;

	if (r < 0)
		return r;
	r = complete(engine, id, config, routes, err);
	r = r ? r : insert(engine, id, config, err);
	r = r ? r : reserve_all(engine, id, config, err);
	ended = store_end(engine->store, r == 0, err);
	return r < 0 ? r : ended;
}

int network_create(struct engine *engine, const Cleat__V1__CreateNetworkRequest *request,
		   char id[65], struct err *err)
{
	cleanup(taken_deinit) struct taken routes = { 0 };
	Cleat__V1__CreateNetworkRequest *config;
	int r = check(request, err);

	r = r ? r : list_routes(&routes, err);
	if (r < 0)
		return r;
	config = copy_of(request);
	if (!config)
		return err_sys(err, ENOMEM, "network");
	str_random_id(id);
	r = record(engine, id, config, &routes, err);
	cleat__v1__create_network_request__free_unpacked(config, NULL);
	return r;
}

/* 0 rows: somebody else was faster, and what is there counts. */
static int update(struct engine *engine, const struct network *network,
		  const Cleat__V1__CreateNetworkRequest *config, struct err *err)
{
	cleanup_free uint8_t *bytes = NULL;
	size_t len = 0;
	int r;

	if (pack(config, &bytes, &len) < 0)
		return err_sys(err, ENOMEM, "network");
	r = store_run(engine->store, err,
		      "UPDATE networks SET config = ? WHERE id = ? AND length(config) = 0", "bs",
		      bytes, len, network->id);
	return r > 0 ? reserve_all(engine, network->id, config, err) : r;
}

static int settle_locked(struct engine *engine, struct network *network, const struct taken *routes,
			 struct err *err)
{
	Cleat__V1__CreateNetworkRequest config = CLEAT__V1__CREATE_NETWORK_REQUEST__INIT;
	Cleat__V1__CreateNetworkRequest *chosen;
	int r = store_begin(engine->store, err), ended;

	if (r < 0)
		return r;
	config.name = network->name;
	config.driver = network->driver;
	chosen = copy_of(&config);
	r = chosen ? complete(engine, network->id, chosen, routes, err)
		   : err_sys(err, ENOMEM, "network");
	r = r ? r : update(engine, network, chosen, err);
	ended = store_end(engine->store, r == 0, err);
	if (chosen)
		cleat__v1__create_network_request__free_unpacked(chosen, NULL);
	return r < 0 ? r : ended;
}

int network_settle(struct engine *engine, struct network *network, struct err *err)
{
	cleanup(taken_deinit) struct taken routes = { 0 };
	struct network settled;
	int r = list_routes(&routes, err);

	r = r ? r : settle_locked(engine, network, &routes, err);
	r = r ? r : network_find(engine, network->id, &settled, err);
	if (r < 0)
		return r;
	network_deinit(network);
	*network = settled;
	return 0;
}
